import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { exchange } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { subjectsOf } from '../../steps/lesson-kit/lesson.ts';
import { lessonOf } from '../../steps/lesson-kit/lessons.ts';
import { Place } from '../../steps/lesson-kit/place.ts';
import { ofSubject } from '../../steps/lesson-kit/sources.ts';
import { buyLine } from '../support/asking.ts';
import { testsOf } from './lesson-tests.ts';

testsOf(12, {
  faults: [
    {
      name: 'makes no snapshot, as its log is one file',
      file: 'server.ts',
      from: 'if (bytes < FILE_BYTES) return;',
      to: 'if (bytes < 1e9) return;',
    },
    {
      name: 'forgets what is behind the snapshot',
      file: 'server.ts',
      from: 'log`, bytes);',
      to: 'log`, 0);',
    },
    {
      name: 'reads what is behind the snapshot, and not the snapshot',
      file: 'reader.ts',
      from: 'new Map<string, number>(saved);',
      to: 'new Map<string, number>();',
    },
    {
      name: 'works a question out in the thread that takes events',
      file: 'server.ts',
      from: 'reader.postMessage([user, day]);',
      to: 'for (const endMs = Date.now() + 100; Date.now() < endMs; );\n  reader.postMessage([user, day]);',
    },
  ],
});

const root = mkdtempSync(join(tmpdir(), 'tally-slow-start-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const entry = (user: string, action: string, amount: number, at: string) =>
  `${JSON.stringify({ user, action, amount, at: `${at}T12:00:00.000Z` })}\n`;
const closing = (user: string, day: string) => `{"type":"closing","user":"${user}","day":"${day}"}\n`;
const ok = (balance: number) => `{"status":"ok","balance":${balance}}\n`;
const [wrong, right] = subjectsOf(lessonOf(12)!);

/** A new folder with these files. */
function folderWith(files: Record<string, string>): string {
  const folder = mkdtempSync(join(root, 'data-'));
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

/** Starts it on the folder, has it answer, and kills it when `isOver`. */
async function answers(subject: typeof right, data: string, lines: string, isOver = () => true) {
  const place = await Place.open(lessonOf(12)!);
  const server = await ofSubject(subject!, place).start({ own: { data } });
  try {
    const replies = await exchange(server.port, lines);
    await until(isOver, 'it has done what it does in the background');
    return replies;
  } finally {
    await server.stop();
    await place.close();
  }
}

const DAYS = [
  entry('alice', 'buy', 100, '2020-01-01'),
  entry('bob', 'buy', 7, '2020-01-01'),
  entry('alice', 'sell', 30, '2020-01-02'),
  entry('alice', 'buy', 5, '2020-01-04'),
].join('');
const QUESTIONS = ['2019-12-31', '2020-01-01', '2020-01-02', '2020-01-03', '2020-01-04', '2030-01-01'];

describe('lesson 12', () => {
  test.each([
    ['wrong', wrong, 'events.log'],
    ['right', right, '1.log'],
  ])('%s knows what a user had at the end of each day, with events and without', async (_, subject, name) => {
    const asked = QUESTIONS.map(day => closing('alice', day)).join('');
    const expected = [0, 100, 70, 70, 75, 75].map(ok).join('');
    expect(await answers(subject, folderWith({ [name]: DAYS }), asked)).toBe(expected);
  });

  test.each([
    ['wrong', wrong],
    ['right', right],
  ])('%s refuses a question without a user or a day', async (_, subject) => {
    const asked = [
      '{"type":"closing","day":"2026-11-30"}\n',
      closing('alice', 'yesterday'),
      closing('', '2026-11-30'),
    ];
    expect(await answers(subject, folderWith({}), asked.join(''))).toBe(
      '{"status":"error","reason":"invalid_event"}\n'.repeat(3),
    );
  });

  test.each([
    ['wrong', wrong, 'events.log'],
    ['right', right, '1.log'],
  ])('%s loses the half of a line at its end, and nothing else', async (_, subject, name) => {
    const folder = folderWith({ [name]: `${DAYS}{"user":"alice","act` });
    const lines = '{"type":"balance","user":"alice"}\n';
    expect(await answers(subject, folder, `${lines}${buyLine('alice', 1)}`)).toBe(
      `${ok(75)}{"status":"accepted"}\n`,
    );
    expect(await answers(subject, folder, lines)).toBe(ok(76));
    expect(readFileSync(join(folder, name), 'utf8').split('\n')).toHaveLength(6);
  });

  describe('the reader of right', () => {
    const balance = '{"type":"balance","user":"alice"}\n';
    const names = (folder: string) => readdirSync(folder).sort();

    test('folds a full file into a snapshot, and deletes it: days that are over stay', async () => {
      const folder = folderWith({ '1.log': DAYS, '2.log': entry('alice', 'buy', 1, '2020-01-05') });
      expect(await answers(right, folder, balance)).toBe(ok(76));
      expect(names(folder)).toEqual([
        '2.log',
        '2.snapshot',
        '2020-01-01.closing',
        '2020-01-02.closing',
        '2020-01-04.closing',
      ]);
      const asked = closing('alice', '2020-01-03') + closing('bob', '2020-01-04') + balance;
      expect(await answers(right, folder, asked)).toBe(ok(70) + ok(7) + ok(76));
    });

    test('after a crash between the snapshot and the end of its log counts nothing twice', async () => {
      const folder = folderWith({
        '1.log': DAYS,
        '2.log': '',
        '2.snapshot': '["2020-01-04",[["alice",75],["bob",7]]]',
        new: '["2020-01-',
      });
      expect(await answers(right, folder, balance)).toBe(ok(75));
    });

    test('folds while events come, so that what a start reads does not grow', async () => {
      const folder = folderWith({});
      // Each is 800 bytes in the log.
      const user = '\\u0001'.repeat(128);
      const events = 1_000;
      const replies = await answers(right, folder, buyLine(user, 1).repeat(events), () =>
        names(folder).includes('4.snapshot'),
      );
      expect(replies).toBe('{"status":"accepted"}\n'.repeat(events));
      expect(names(folder)).toEqual(['4.log', '4.snapshot']);
      expect(await answers(right, folder, `{"type":"balance","user":"${user}"}\n`)).toBe(ok(events));
    });

    test('does not start where a line is damaged: it would have to forget what is behind it', async () => {
      const folder = folderWith({ '1.log': `${DAYS}\0\0\0\n${DAYS}` });
      await expect(answers(right, folder, balance)).rejects.toThrow('no event: ');
      expect(readFileSync(join(folder, '1.log'), 'utf8')).toBe(`${DAYS}\0\0\0\n${DAYS}`);
    });
  });
});

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exchange } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { subjectsOf } from '../../steps/lesson-kit/lesson.ts';
import { lessonOf } from '../../steps/lesson-kit/lessons.ts';
import { Place } from '../../steps/lesson-kit/place.ts';
import { ofSubject } from '../../steps/lesson-kit/sources.ts';
import { buyLine } from '../support/asking.ts';
import { testsOf } from './lesson-tests.ts';

testsOf(18, {
  faults: [
    {
      name: 'answers before the change is kept, which is every 20 ms',
      file: 'server.ts',
      from: 'kept ??= new Promise(resolve => setImmediate(keepAll, resolve));\n  await kept;',
      to: 'kept ??= new Promise(resolve => setTimeout(keepAll, 20, resolve));',
    },
    {
      name: 'does not read its log at the start',
      way: 'log',
      file: 'ways.ts',
      from: 'store.put(lines.map(line => JSON.parse(line)));',
      to: '',
    },
    {
      name: 'has its transactions rolled back',
      way: 'embedded',
      file: 'ways.ts',
      from: 'embedded: store => changes => store.put(changes)',
      to: 'embedded: () => () => {}',
    },
    {
      name: 'writes the first of a turn through, and no other',
      way: 'through',
      file: 'ways.ts',
      from: 'for (const change of changes) store.put([change]);',
      to: 'store.put(changes.slice(0, 1));',
    },
  ],
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tally-write-behind-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const subjects = subjectsOf(lessonOf(18)!);
const rightWays = subjects
  .filter(({ side }) => side === 'right')
  .map(subject => [subject.way!, subject] as const);
const log = () => join(folder, 'changes.log');

/** Starts it on the folder, has it answer, and kills it. */
async function answers(
  subject: (typeof subjects)[number],
  lines: string,
  afterwards = async () => {},
): Promise<string> {
  const place = await Place.open(lessonOf(18)!);
  const server = await ofSubject(subject, place).start({ own: { data: folder } });
  try {
    const replies = await exchange(server.port, lines);
    await afterwards();
    server.signal('SIGKILL');
    await server.ended;
    return replies;
  } finally {
    await server.stop();
    await place.close();
  }
}

/** What a program that knows only the database would see. */
function inDatabase(): unknown[] {
  const database = new Database(join(folder, 'balances.db'));
  try {
    return database.prepare('SELECT user, balance FROM balances ORDER BY user').raw().all();
  } finally {
    database.close();
  }
}

const balanceLine = (user: string) => `${JSON.stringify({ type: 'balance', user })}\n`;
const ok = (balance: number) => `{"status":"ok","balance":${balance}}\n`;

describe.each(rightWays)('lesson 18 --way %s', (_, subject) => {
  test('reads what any other way has left, and begins its log anew', async () => {
    for (const [index, [, other]] of rightWays.entries())
      expect(await answers(other, buyLine('alice', 1) + balanceLine('alice'))).toBe(
        `{"status":"accepted"}\n${ok(index + 1)}`,
      );
    const before = rightWays.length;
    expect(await answers(subject, balanceLine('alice') + buyLine('alice', 5) + balanceLine('alice'))).toBe(
      `${ok(before)}{"status":"accepted"}\n${ok(before + 5)}`,
    );
    expect(await answers(subject, balanceLine('alice'))).toBe(ok(before + 5));
    expect(inDatabase()).toEqual([['alice', before + 5]]);
  });

  test('keeps names and balances as they are', async () => {
    const users = ['a\0b', 'a\0c', 'é', 'e\u0301', '"\n', '⚡️', '__proto__'];
    const amounts = users.map((_, index) => Number.MAX_SAFE_INTEGER - index);
    const buys = users.map((user, index) => JSON.stringify({ user, action: 'buy', amount: amounts[index] }));
    await answers(subject, `${buys.join('\n')}\n`);
    expect(await answers(subject, users.map(balanceLine).join(''))).toBe(amounts.map(ok).join(''));
  });
});

describe('the log of lesson 18', () => {
  const [, byLog] = rightWays.find(([way]) => way === 'log')!;

  // The witness's users have a later line soon, which says the whole balance: it can hardly see one that is lost.
  test('is empty when the database has what was in it, and not before', async () => {
    const line = '["alice",1]\n';
    await answers(byLog, buyLine('alice', 1), async () => {
      expect(readFileSync(log(), 'utf8')).toBe(line);
      expect(inDatabase()).toEqual([]);
      await until(() => statSync(log()).size === 0, 'the log is empty');
      expect(inDatabase()).toEqual([['alice', 1]]);
    });
  });

  test('may be put into the database twice, and loses the half of a line at its end', async () => {
    await answers(byLog, buyLine('alice', 7));
    const left = readFileSync(log(), 'utf8');
    expect(await answers(byLog, balanceLine('alice'))).toBe(ok(7));
    writeFileSync(log(), `${left}["alice",70`);
    expect(await answers(byLog, balanceLine('alice'))).toBe(ok(7));
  });
});

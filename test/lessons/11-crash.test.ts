import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { exchange } from '../../src/tools/harness/client.ts';
import { subjectsOf } from '../../steps/lesson-kit/lesson.ts';
import { lessonOf } from '../../steps/lesson-kit/lessons.ts';
import { Place } from '../../steps/lesson-kit/place.ts';
import { ofSubject, subjectArgs } from '../../steps/lesson-kit/sources.ts';
import { buyLine } from '../support/asking.ts';
import { runCli } from '../support/server.ts';
import { testsOf } from './lesson-tests.ts';

testsOf(11, {
  faults: [
    {
      // Not at once: what is handed to the kernel survives the process, so the witness would need luck.
      name: 'answers before the event is written, which is every 20 ms',
      file: 'log.ts',
      from: 'this.#next ??= this.#last = this.#last.then(() => this.#write());\n    return this.#next;',
      to: 'this.#next ??= new Promise(resolve => setTimeout(resolve, 20)).then(() => this.#write());\n    return Promise.resolve();',
    },
    {
      name: 'empties its log at the start',
      file: 'log.ts',
      from: 'file.truncate(end)',
      to: 'file.truncate(0)',
    },
    { name: 'writes no event', file: 'log.ts', from: 'await this.#file.appendFile(lines);', to: '' },
  ],
});

const folder = mkdtempSync(join(tmpdir(), 'tally-crash-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the log of lesson 11', () => {
  const file = join(folder, 'events.log');
  const [, right] = subjectsOf(lessonOf(11)!);
  const own = { data: folder };

  /** Starts it on the folder, and has it answer. */
  async function answers(lines: string): Promise<string> {
    const place = await Place.open(lessonOf(11)!);
    const server = await ofSubject(right!, place).start({ own });
    try {
      return await exchange(server.port, lines);
    } finally {
      await server.stop();
      await place.close();
    }
  }

  const BALANCE = '{"type":"balance","user":"alice"}\n';
  const ok = (balance: number) => `{"status":"ok","balance":${balance}}\n`;

  test('loses the half of a line at its end, which nobody was told of, and nothing else', async () => {
    await answers(buyLine('alice', 1).repeat(2));
    appendFileSync(file, '{"user":"alice","amo');
    expect(await answers(`${BALANCE}${buyLine('alice', 5)}`)).toBe(`${ok(2)}{"status":"accepted"}\n`);
    expect(await answers(BALANCE)).toBe(ok(7));
    expect(readFileSync(file, 'utf8')).toBe(
      [1, 1, 5].map(amount => `{"user":"alice","amount":${amount}}\n`).join(''),
    );
  });

  test('does not start where a line in the midst is damaged: it would have to forget what is behind it', () => {
    writeFileSync(file, '{"user":"alice","amount":1}\n\0\0\0\n{"user":"alice","amount":5}\n');
    const { status, stdout } = spawnSync(process.execPath, subjectArgs(right!, 0, own), { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(readFileSync(file, 'utf8')).toContain('"amount":5}\n');
  });
});

const hasPython = spawnSync('python3', ['--version']).status === 0;
if (!hasPython) console.log('left out: python3 is not installed');

describe.skipIf(!hasPython)('a server in another language', () => {
  const server = fileURLToPath(new URL('servers/crash.py', import.meta.url));

  test.concurrent.each([
    ['is told of its folder by a variable, and loses', `python3 ${server} memory`, 1, 'present'],
    ['is told of it in the command, and loses nothing', `python3 ${server} log {port} {data}`, 0, 'absent'],
  ])('%s', async (_, command, exitCode, observed) => {
    const ran = await runCli(['pain', '11', '--json', '--cmd', command], { XDG_STATE_HOME: folder });
    expect(ran, ran.stderr).toMatchObject({ exitCode });
    expect(JSON.parse(ran.stdout)).toMatchObject({ pain: 11, step: command, observed });
  });
});

/** Which steps pass which checks, and which must not; how `tally check` reports it. */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/cli/terminal/usage.ts';
import { exchange } from '../../src/tools/harness/client.ts';
import { readCheckOptions } from '../../steps/kit/check/options.ts';
import { STAGES } from '../../steps/kit/check/stages.ts';
import type { Subject } from '../../steps/kit/manifest.ts';
import { ofAddress, ofCommand, ofStep } from '../../steps/kit/server.ts';
import { rangeOfLessons } from '../../steps/lesson-kit/lessons.ts';
import { startServer } from '../support/server.ts';
import { check, ENVIRONMENT, findings, serverFile, wrong } from './check-run.ts';

/** Who keeps the promise of a step. The cases of 6 and 7 are those of 5, the cases of 8 are those of 4. */
const KEEPERS: readonly (readonly [check: number, step: Subject])[] = [
  [10, 10],
  [10, 'src'],
  [9, 9],
  [5, 5],
  [4, 4],
  [4, 8],
  [3, 3],
  [2, 2],
  [1, 2],
  [1, 1],
];

/** Steps that cannot do yet what the next one must, and where that shows. */
const TOO_EARLY: readonly (readonly [check: number, step: number, name: string])[] = [
  [10, 9, 'SIGTERM with events in the queue: they are applied, new ones are refused, and the exit code is 0'],
  [2, 1, '20 clients at the same time, each with lines of its own'],
  [9, 8, 'accepted: buy'],
  [5, 4, 'accepted: buy'],
  [4, 3, 'applied: buy'],
  [3, 2, 'accepted: buy'],
];

const execute = promisify(execFile);
const python = spawnSync('python3', ['--version']).status === 0;

// The pains are measured by tests of their own; here a few, where they are quick. Those that take longest come first.
// A dozen servers are started for the last ones.
describe.concurrent('the checks of a step pass on', { timeout: 120_000 }, () => {
  test.each(KEEPERS)('step %i: %s', async (number, subject) => {
    const names = STAGES[number - 1]!.cases.map(({ name }) => name);
    expect(await findings(number, ofStep(subject))).toEqual({
      passed: expect.arrayContaining(names),
      failed: undefined,
      rows: [],
    });
  });
});

describe.concurrent('the checks of a step fail on the step before', () => {
  test.each(TOO_EARLY)('step %i: %i', async (number, step, name) => {
    expect((await findings(number, ofStep(step))).failed).toBe(name);
  });
});

describe('stages', () => {
  test('no two checks of a stage have the same name', () => {
    for (const { cases } of STAGES) expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  });

  test('every case has a hint that is a sentence', () => {
    for (const { cases } of STAGES) for (const { hint } of cases) expect(hint).toMatch(/^\S.{15,}[.?]$/);
  });
});

describe.concurrent('with pains', () => {
  test('a pain that is gone passes, one that is there fails, with its figures', async () => {
    const [gone, there] = await Promise.all([
      findings(2, ofStep(2), false),
      findings(3, wrong('never-reads-errors'), false),
    ]);
    expect(gone.passed).toContain('pain 1 is gone: one client at a time');
    expect(gone.failed).toBeUndefined();
    expect(there.failed).toBe('pain 2 is gone: one reset kills everybody');
    expect(there.rows.map(row => row.split(' ')[0])).toEqual(['problem', 'figures', 'hint']);
  });
});

describe.concurrent('a server in Python', () => {
  const command = `python3 ${serverFile('server.py')}`;

  test.skipIf(!python).each([
    [5, false],
    [4, true],
    [3, true],
    [2, false],
    [1, false],
  ])('does what step %i must do (skipped without python3)', async (step, isQuick) => {
    const server = step < 3 ? `${command} echo` : command;
    expect(await findings(step, server, isQuick)).toMatchObject({ failed: undefined, rows: [] });
  });
});

describe.concurrent('a server on a port', () => {
  test('is checked; what must start it is skipped, and said to be', async () => {
    const server = await startServer();
    try {
      const run = await check('9', '--connect', `127.0.0.1:${server.port}`, '--quick');
      expect(run.exitCode).toBe(0);
      expect(run.stdout).toMatch(
        / - accepted at once.* \(skipped: it starts the server itself: give --cmd\)/,
      );
      expect(run.stdout).toContain(`\nSo far it is right. For the rest: npx tally check 9 --cmd '…'\n`);
      for (const address of [`:${server.port}`, String(server.port)])
        expect(await readCheckOptions(['9', '--connect', address]).source!.start()).toMatchObject({
          host: '127.0.0.1',
          port: server.port,
        });
    } finally {
      await server.stop();
    }
  });

  test('may be one that has state: the second time is as good', async () => {
    const server = await ofStep(4).start();
    try {
      for (let round = 0; round < 2; round += 1)
        expect(await findings(4, ofAddress(server.host, server.port))).toMatchObject({
          failed: undefined,
          rows: [],
        });
    } finally {
      await server.stop();
    }
  });

  test('is not there', async () => {
    expect(await check('4', '--connect', ':1')).toMatchObject({
      exitCode: 1,
      stderr: 'tally check: nothing listens on 127.0.0.1:1\n',
    });
  });
});

describe.concurrent('a command', () => {
  test.each([
    `PORT={port} ${wrong()}`,
    `cd ${serverFile('')} && node wrong.mjs`,
    `env -u PORT sh -c 'PORT={port} exec ${wrong()}'`,
  ])('may be anything that a shell takes, and gets its port in braces, too: %s', async command => {
    const server = await ofCommand(command).start();
    expect(await exchange(server.port, '{"type":"health"}\n')).toBe('{"status":"ok"}\n');
    await server.stop();
    await server.ended;
  });

  test('that ends at once is reported with what it printed', async () => {
    const run = await check('1', '--cmd', 'echo no such port >&2; exit 7');
    expect(run.stderr).toMatch(
      /^tally check: .* ended before it listened on port \d+; it printed:\nno such port\n$/,
    );
    expect(run.exitCode).toBe(1);
  });

  test('tells what comes next, with the same command', async () => {
    const run = await check('1', '--cmd', wrong('echoes'));
    const again = `--cmd '${wrong('echoes')}'`;
    expect(run.stdout).toContain(`\nStep 1 is done. Has it the next pain? npx tally pain 1 ${again}\n`);
    expect(run.stdout).toContain(`\nNext, step 2, async echo: npx tally check 2 --cmd '…'\n`);
  });
});

describe.concurrent('output', () => {
  test('for machines is one JSON object', async () => {
    const good = JSON.parse((await check('1', '--step', '2', '--json')).stdout);
    expect(good).toMatchObject({ step: 1, server: 'step 2', passed: true, notRun: 0 });
    expect(good.checks[0]).toEqual({
      name: 'a line comes back',
      passed: true,
      elapsedMs: expect.any(Number),
    });
    const bad = await check('3', '--cmd', wrong('puts-spaces'), '--json');
    const { passed, checks } = JSON.parse(bad.stdout);
    expect(passed).toBe(false);
    expect(checks).toHaveLength(1);
    expect(checks[0].transcript).toMatch(/^problem {3}.*\nsent {6}[\s\S]*\n {20}\^ byte 11: /);
    expect(bad.exitCode).toBe(1);
    const none = await check('3', '--connect', ':1', '--json');
    expect(JSON.parse(none.stdout)).toMatchObject({ passed: false, error: 'nothing listens on 127.0.0.1:1' });
  });

  test('has one blank line before what failed, also where it is the first', async () => {
    const first = await check('1', '--cmd', wrong());
    expect(first.stdout).toMatch(/^Step 1, .*\n\n {2}✗ /);
    const later = await check('1', '--cmd', wrong('echoes-decoded-text'));
    expect(later.stdout).toMatch(/[^\n]\n\n {2}✗ /);
    expect(later.stdout).toMatch(/\n\d+ passed, 1 failed, \d+ not run yet: first this one\n$/);
    // No colours, and no cursor moves, where there is no terminal.
    for (const moved of ['\x1b', '\r']) expect(first.stdout + later.stdout).not.toContain(moved);
  });

  test.skipIf(spawnSync('script', ['--version']).status !== 0).each([
    ['', true],
    ['1', false],
  ])('is coloured on a terminal, unless NO_COLOR says no: "%s"', async (NO_COLOR, isColoured) => {
    const line = 'node dist/src/cli/main.js check 1 --step 2';
    const env = { ...process.env, ...ENVIRONMENT, NO_COLOR };
    const { stdout } = await execute('script', ['-qec', line, '/dev/null'], { env });
    expect(stdout.includes('\x1b[32m✓')).toBe(isColoured);
  });
});

describe('wrong usage', () => {
  // biome-ignore format: a table
  const cases: readonly (readonly [args: string[], message: string])[] = [
    [[], "which step, from 1 to 10? As in: tally check 4 --cmd 'python3 server.py'"],
    [['99', '--step', '1'],
      `there is no step 99: they are 1 to 10, and lessons ${rangeOfLessons()}; tally steps lists them`],
    [['11', '--step', '1'], '--step 1 is no server of lesson 11; it is 11, 11-right or src'],
    [['4', '--right'], `--right goes with a lesson: ${rangeOfLessons()}`],
    [['four', '--step', '1'],
      `there is no step four: they are 1 to 10, and lessons ${rangeOfLessons()}; tally steps lists them`],
    [['4'],
      "which server? --cmd '…' starts one, --connect finds one on a port: tally check 4 --cmd 'python3 server.py'"],
    [['4', '--cmd', 'python3', 'server.py'],
      "server.py is one too many; a command with spaces needs quotes: tally check 4 --cmd 'python3 server.py'"],
    [['4', '--cmd', ' '], "--cmd is empty; it needs a command: tally check 4 --cmd 'python3 server.py'"],
    [['4', '--cmd'], '--cmd needs a value; tally check --help shows how'],
    [['4', '--cmd', 'x', '--step', '4'], '--cmd and --step exclude each other: one server at a time'],
    [['4', '--connect', 'here'], '--connect here is not HOST:PORT, such as 127.0.0.1:7878, :7878 or [::1]:7878'],
    [['4', '--connect', ':7878', '--watch'],
      '--connect and --watch exclude each other: the server there is not started anew; give its command with --cmd'],
    [['4', '--step', '0'], 'there is no step 0: they are 1 to 10, and src; tally steps lists them'],
    [['4', '--step', '4', '--watch', 'nowhere'],
      '--watch nowhere is not a folder; without one, the current folder is watched'],
    [['4', '--step', '4', '--json=yes'], '--json takes no value'],
    [['4', '--colour'], 'unknown flag --colour; tally check --help lists the flags'],
  ];
  test.each(cases)('%j', (args, message) => {
    expect(() => readCheckOptions(args)).toThrow(new UsageError(message));
  });

  test('is one line, and exit code 2', async () => {
    const stderr = 'tally check: there is no step 0: they are 1 to 10, and src; tally steps lists them\n';
    expect(await check('4', '--step', '0')).toEqual({ exitCode: 2, stdout: '', stderr });
  });

  test('--help teaches the convention', async () => {
    const run = await check('--help');
    const words = 'PORT|{port}|QUEUE|WORK_US|WINDOW_US|WORKERS|cargo run|go run|Exit codes';
    for (const word of words.split('|')) expect(run.stdout).toContain(word);
    expect(run.exitCode).toBe(0);
  });
});

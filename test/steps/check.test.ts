/** Which steps pass which checks, and which must not; how `tally check` reports it. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { STAGES } from '../../steps/kit/check/stages.ts';
import type { Subject } from '../../steps/kit/manifest.ts';
import { ofStep } from '../../steps/kit/server.ts';
import { startServer } from '../support/server.ts';
import { check, ENVIRONMENT, serverFile } from './check-run.ts';

/** Who keeps the promise of a step. The cases of 6 and 7 are those of 5, the cases of 8 are those of 4. */
const KEEPERS: Record<number, readonly Subject[]> = {
  1: [1, 2],
  2: [2],
  3: [3],
  4: [4, 8],
  5: [5],
  9: [9],
  10: [10, 'src'],
};

/** Steps that cannot do yet what the next one must, and where that shows. */
const TOO_EARLY: readonly (readonly [step: number, check: number, name: string])[] = [
  [1, 2, '20 clients at the same time, each with lines of its own'],
  [2, 3, 'accepted: buy'],
  [3, 4, 'applied: buy'],
  [4, 5, 'accepted: buy'],
  [8, 9, 'accepted: buy'],
  [9, 10, 'SIGTERM with events in the queue: they are applied, new ones are refused, and the exit code is 0'],
];

const python = spawnSync('python3', ['--version']).status === 0;

// The pains are measured by tests of their own; here a few, where they are quick.
describe.concurrent('the checks of a step pass on', () => {
  for (const [number, subjects] of Object.entries(KEEPERS))
    for (const subject of subjects)
      test(`step ${number}: ${subject}`, async () => {
        const run = await check(number, '--step', String(subject), '--quick');
        expect(run.stdout).not.toContain('✗');
        expect(run.exitCode).toBe(0);
        expect(run.passed).toEqual(STAGES[Number(number) - 1]!.cases.map(({ name }) => name));
      });
});

describe.concurrent('the checks of a step fail on the step before', () => {
  for (const [step, number, name] of TOO_EARLY)
    test(`step ${number}: ${step}`, async () => {
      const run = await check(String(number), '--step', String(step), '--quick');
      expect(run.failed).toBe(name);
      expect(run.exitCode).toBe(1);
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
    const gone = await check('2', '--step', '2');
    expect(gone.passed).toContain('pain 1 is gone: one client at a time');
    expect(gone.exitCode).toBe(0);
    const there = await check('3', '--cmd', `node ${serverFile('wrong.mjs')} never-reads-errors`);
    expect(there.failed).toBe('pain 2 is gone: one reset kills everybody');
    expect(there.rows.map(row => row.split(' ')[0])).toEqual(['problem', 'figures', 'hint']);
    expect(there.exitCode).toBe(1);
  });
});

describe.concurrent('a server in Python', () => {
  test.skipIf(!python)('echoes as steps 1 and 2 do (skipped without python3)', async () => {
    for (const number of ['1', '2']) {
      const run = await check(number, '--cmd', `python3 ${serverFile('server.py')} echo`);
      expect(run.stdout).not.toContain('✗');
      expect(run.exitCode).toBe(0);
      expect(run.stdout).toContain(`Step ${number} is done.`);
    }
  });

  test.skipIf(!python)('does what steps 3 to 5 must do (skipped without python3)', async () => {
    const command = `python3 ${serverFile('server.py')}`;
    for (const args of [['3', '--quick'], ['4', '--quick'], ['5']]) {
      const run = await check(...args, '--cmd', command);
      expect(run.stdout).not.toContain('✗');
      expect(run.exitCode).toBe(0);
    }
  });
});

describe.concurrent('a server on a port', () => {
  test('is checked; what must start it is skipped, and said to be', async () => {
    const server = await startServer();
    try {
      for (const address of [`127.0.0.1:${server.port}`, `:${server.port}`, String(server.port)]) {
        const run = await check('9', '--connect', address, '--quick');
        expect(run.exitCode).toBe(0);
        expect(run.stdout).toMatch(
          / - accepted at once.* \(skipped: it starts the server itself: give --cmd\)/,
        );
        expect(run.stdout).toContain(`\nSo far it is right. For the rest: npx tally check 9 --cmd '…'\n`);
      }
    } finally {
      await server.stop();
    }
  });

  test('may be one that has state: the second time is as good', async () => {
    const server = await ofStep(4).start();
    try {
      for (let round = 0; round < 2; round += 1) {
        const run = await check('4', '--connect', `:${server.port}`, '--quick');
        expect(run.stdout).not.toContain('✗');
      }
    } finally {
      await server.stop();
    }
  });

  test('is not there', async () => {
    const run = await check('4', '--connect', ':1');
    expect(run.stderr).toBe('tally check: nothing listens on 127.0.0.1:1\n');
    expect(run.exitCode).toBe(1);
  });
});

describe('a command', () => {
  const wrong = serverFile('wrong.mjs');

  test('may be anything that a shell takes, and gets its port in braces, too', async () => {
    for (const command of [
      `PORT={port} node ${wrong}`,
      `cd ${serverFile('')} && node wrong.mjs`,
      `env -u PORT sh -c 'PORT={port} exec node ${wrong}'`,
    ])
      expect((await check('3', '--cmd', command, '--quick')).exitCode).toBe(0);
  });

  test('that ends at once is reported with what it printed', async () => {
    const run = await check('1', '--cmd', 'echo no such port >&2; exit 7');
    expect(run.stderr).toMatch(
      /^tally check: .* ended before it listened on port \d+; it printed:\nno such port\n$/,
    );
    expect(run.exitCode).toBe(1);
  });

  test('tells what comes next, with the same command', async () => {
    const run = await check('1', '--cmd', `node ${wrong} echoes`);
    const again = `--cmd 'node ${wrong} echoes'`;
    expect(run.stdout).toContain(`\nStep 1 is done. Has it the next pain? npx tally pain 1 ${again}\n`);
    expect(run.stdout).toContain(`\nNext, step 2, async echo: npx tally check 2 --cmd '…'\n`);
  });
});

describe('output', () => {
  test('for machines is one JSON object', async () => {
    const good = JSON.parse((await check('1', '--step', '2', '--json')).stdout);
    expect(good).toMatchObject({ step: 1, server: 'step 2', passed: true, notRun: 0 });
    expect(good.checks[0]).toEqual({
      name: 'a line comes back',
      passed: true,
      elapsedMs: expect.any(Number),
    });
    const bad = await check('3', '--cmd', `node ${serverFile('wrong.mjs')} puts-spaces`, '--json');
    const { passed, checks } = JSON.parse(bad.stdout);
    expect(passed).toBe(false);
    expect(checks).toHaveLength(1);
    expect(checks[0].transcript).toMatch(/^problem {3}.*\nsent {6}[\s\S]*\n {20}\^ byte 11: /);
    expect(bad.exitCode).toBe(1);
    const none = await check('3', '--connect', ':1', '--json');
    expect(JSON.parse(none.stdout)).toMatchObject({ passed: false, error: 'nothing listens on 127.0.0.1:1' });
  });

  test('has one blank line before what failed, also where it is the first', async () => {
    const first = await check('1', '--cmd', `node ${serverFile('wrong.mjs')}`);
    expect(first.stdout).toMatch(/^Step 1, .*\n\n {2}✗ /);
    const later = await check('1', '--cmd', `node ${serverFile('wrong.mjs')} echoes-decoded-text`);
    expect(later.stdout).toMatch(/[^\n]\n\n {2}✗ /);
  });

  test('has no colours and moves no cursor where there is no terminal', async () => {
    const { stdout } = await check('1', '--step', '2');
    expect(stdout).not.toContain('\x1b');
    expect(stdout).not.toContain('\r');
  });

  test('is coloured on a terminal, unless NO_COLOR says no', () => {
    for (const [noColor, isColoured] of [
      ['', true],
      ['1', false],
    ] as const) {
      const line = `node dist/src/cli/main.js check 1 --step 2`;
      const { stdout, error } = spawnSync('script', ['-qec', line, '/dev/null'], {
        env: { ...process.env, ...ENVIRONMENT, NO_COLOR: noColor },
        encoding: 'utf8',
      });
      if (error !== undefined) return;
      expect(stdout.includes('\x1b[32m✓')).toBe(isColoured);
    }
  });
});

describe('wrong usage', () => {
  const cases: readonly (readonly [args: string[], message: string])[] = [
    [[], "which step, from 1 to 10? As in: tally check 4 --cmd 'python3 server.py'"],
    [['11', '--step', '1'], 'there is no step 11: they are 1 to 10; tally steps lists them'],
    [['four', '--step', '1'], 'there is no step four: they are 1 to 10; tally steps lists them'],
    [
      ['4'],
      "which server? --cmd '…' starts one, --connect finds one on a port: tally check 4 --cmd 'python3 server.py'",
    ],
    [
      ['4', '--cmd', 'python3', 'server.py'],
      "server.py is one too many; a command with spaces needs quotes: tally check 4 --cmd 'python3 server.py'",
    ],
    [['4', '--cmd', ' '], "--cmd is empty; it needs a command: tally check 4 --cmd 'python3 server.py'"],
    [['4', '--cmd'], '--cmd needs a value; tally check --help shows how'],
    [['4', '--cmd', 'x', '--step', '4'], '--cmd and --step exclude each other: one server at a time'],
    [['4', '--connect', 'here'], '--connect here is not HOST:PORT, such as 127.0.0.1:7878'],
    [
      ['4', '--connect', ':7878', '--watch'],
      '--connect and --watch exclude each other: the server there is not started anew; give its command with --cmd',
    ],
    [['4', '--step', '0'], 'there is no step 0: they are 1 to 10, and src; tally steps lists them'],
    [
      ['4', '--step', '4', '--watch', 'nowhere'],
      '--watch nowhere is not a folder; without one, the current folder is watched',
    ],
    [['4', '--step', '4', '--json=yes'], '--json takes no value'],
    [['4', '--colour'], 'unknown flag --colour; tally check --help lists the flags'],
  ];
  test.concurrent.each(cases)('%j', async (args, message) => {
    const run = await check(...args);
    expect(run.stderr).toBe(`tally check: ${message}\n`);
    expect(run.stdout).toBe('');
    expect(run.exitCode).toBe(2);
  });

  test('--help teaches the convention', async () => {
    const run = await check('--help');
    for (const word of [
      'PORT',
      '{port}',
      'QUEUE',
      'WORK_US',
      'WINDOW_US',
      'WORKERS',
      'cargo run',
      'go run',
      'Exit codes',
    ])
      expect(run.stdout).toContain(word);
    expect(run.exitCode).toBe(0);
  });
});

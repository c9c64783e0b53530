import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runCli } from '../support/server.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const copiesLeft = (folder: string) => readdirSync(folder).filter(name => name.startsWith('tally-diff-'));

/** A folder for temporary files of its own, so that nothing can be left in it unseen. */
async function diff(...args: string[]) {
  const TMPDIR = mkdtempSync(join(tmpdir(), 'tally-test-'));
  try {
    const ran = await runCli(['diff', ...args], { TMPDIR, GIT_DIR: join(TMPDIR, 'nowhere') });
    expect(copiesLeft(TMPDIR)).toEqual([]);
    return ran;
  } finally {
    rmSync(TMPDIR, { recursive: true, force: true });
  }
}

test('shows what changes in the code, with short paths, and says which pain goes and which comes', async () => {
  const { exitCode, stdout, stderr } = await diff('6', '7');
  expect(exitCode).toBe(0);
  expect(stdout).toContain('--- 06-worker-threads/worker.ts\n+++ 07-one-lock/worker.ts\n');
  expect(stdout).not.toContain('/README.md');
  expect(stderr).toBe(
    'step 6 → step 7: worker threads → one lock\nremoves the pain "lost updates"; brings "a hot lock"\n',
  );
  expect((await diff('6')).stdout).toBe(stdout);
});

test('with --stat it names the files that change, and only those', async () => {
  const { exitCode, stdout } = await diff('8', '9', '--stat');
  expect(exitCode).toBe(0);
  const names = [...stdout.matchAll(/^ (\S+) +\|/gm)].map(match => match[1]!);
  const files = ['08-sharded-locks', '09-lock-free-metrics'].flatMap(name =>
    readdirSync(join(ROOT, 'steps', name)),
  );
  expect(names).toContain('counters.ts');
  expect(names.filter(name => !files.includes(name))).toEqual([]);
});

test('with --all it shows the chapters as well', async () => {
  const { stdout } = await diff('--all', '--stat', '1', '2');
  const chapters = readdirSync(join(ROOT, 'steps/02-async-echo')).filter(name => name === 'README.md');
  expect(stdout.includes('README.md')).toBe(chapters.length > 0);
});

test('over several steps it names all the pains that go; backwards, the one that comes back', async () => {
  expect((await diff('2', '4', '--stat')).stderr).toContain(
    'removes the pain "one reset kills everybody" and "a split packet is refused"; brings "one heavy client',
  );
  expect((await diff('4', '2', '--stat')).stderr).toContain('backwards: brings back the pain "one reset');
});

test.concurrent.each([
  [[], 'two steps are needed, or one to compare with the next: tally diff 5 6'],
  [['1', '2', '3'], 'two steps are needed, or one to compare with the next: tally diff 5 6'],
  [['0', '1'], 'there is no step 0: they are 1 to 10; tally steps lists them'],
  [['5', '5'], 'step 5 does not differ from itself; tally diff 5 6 compares two'],
  [['5', '--word'], 'unknown flag --word; tally diff takes --all and --stat'],
  [
    ['10'],
    'step 10 is the last; the finished server is not one more step, but another design: read docs/architecture.md',
  ],
  [['10', 'src'], 'the finished server is not one more step, but another design: read docs/architecture.md'],
])('tally diff %j is wrong usage', async (args, message) => {
  expect(await diff(...args)).toEqual({ exitCode: 2, stdout: '', stderr: `tally diff: ${message}\n` });
});

test('without git, and without the sources, it says so in one line', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tally-test-'));
  try {
    cpSync(join(ROOT, 'dist'), join(folder, 'dist'), {
      recursive: true,
      filter: name => !name.endsWith('.map'),
    });
    cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
    mkdirSync(join(folder, 'bin'));
    symlinkSync(process.execPath, join(folder, 'bin', 'node'));
    const run = () => {
      const env = { ...process.env, PATH: join(folder, 'bin') };
      return spawnSync('node', [join(folder, 'dist/src/cli/main.js'), 'diff', '5', '6'], {
        env,
        encoding: 'utf8',
      });
    };
    const installed = run();
    expect(installed).toMatchObject({ status: 1, stdout: '' });
    expect(installed.stderr).toMatch(
      /^tally diff: steps\/05-bounded-queue is not here: .*clone the repository\n$/,
    );
    cpSync(join(ROOT, 'steps'), join(folder, 'steps'), { recursive: true });
    const gitless = run();
    expect(gitless).toMatchObject({ status: 1, stdout: '' });
    expect(gitless.stderr).toMatch(
      /^step 5 → step 6.*\n.*\ntally diff: git is needed for that, and is not there; .*\n$/,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

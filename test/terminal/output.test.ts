/** Output that can't be written, and a terminal that stops and goes on: processes of their own. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { endsWithUs } from '../../src/tools/harness/process.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { CLI } from '../support/server.ts';

const NODE_TALLY = `"${process.execPath}" "${CLI}"`;

function inShell(script: string, env: Record<string, string> = {}) {
  const options = { encoding: 'utf8', timeout: 50_000, env: { ...process.env, ...env } } as const;
  const { stdout, stderr, status } = spawnSync('bash', ['-c', script], options);
  return { stdout, stderr, status };
}

describe.skipIf(!existsSync('/dev/full'))('a full disk', () => {
  test.each([
    ['--help', 'tally'],
    ['explore', 'tally explore'],
    ['load --help', 'tally load'],
  ])('tally %s says so in one line, and exits with 1', (command, name) => {
    expect(inShell(`${NODE_TALLY} ${command} > /dev/full`)).toEqual({
      stdout: '',
      stderr: `${name}: standard output cannot be written: no space left on device\n`,
      status: 1,
    });
  });
});

test('a reader that has gone ends a command quietly', () => {
  const { stdout, stderr } = inShell(`{ ${NODE_TALLY} --help; echo $? >&2; } | true`);
  expect({ stdout, stderr }).toEqual({ stdout: '', stderr: '141\n' });
});

test('in a locale without UTF-8, text is ASCII, and JSON is what it was', () => {
  const env = { LC_ALL: 'C', XDG_STATE_HOME: '/nowhere' };
  const text = inShell(`${NODE_TALLY} explore --help; ${NODE_TALLY} steps --json`, env).stdout;
  const at = text.indexOf('\n{');
  expect(text.slice(0, at)).toContain('(a: the first thread, b: the second, ...)');
  expect(text.slice(0, at)).not.toMatch(/\P{ASCII}/u);
  expect(JSON.parse(text.slice(at))).toMatchObject({ next: expect.stringMatching(/^npx tally/) });
});

test('what --cmd has started ends with a tally that is killed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tally-killed-'));
  const file = join(folder, 'pid');
  // Nothing of it listens, so that tally waits.
  const command = `(sleep 100 & echo $! > ${file}.new; mv ${file}.new ${file}; wait); true`;
  const child = spawn(process.execPath, [CLI, 'check', '1', '--cmd', command], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  endsWithUs(child);
  try {
    // Then tally itself has gone on, too, since it started the command.
    await once(child.stderr, 'data');
    await until(() => existsSync(file), 'the command to run', 30_000);
    const pid = Number(readFileSync(file, 'utf8'));
    const isAlive = () => existsSync(`/proc/${pid}`);
    if (existsSync('/proc/self')) expect(isAlive()).toBe(true);
    child.kill('SIGKILL');
    await until(() => !isAlive(), 'what it started to end', 30_000);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

const hasScript =
  spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') ?? false;

describe.skipIf(!hasScript)('Ctrl+Z', () => {
  test('leaves the terminal as it was, and after fg the screen and the keys are there again', async () => {
    // The port is nobody's: a server that is gone is watched too. When it goes on, a question is overdue.
    const job = `set -m; ${NODE_TALLY} watch :1 --interval 50ms; echo STOPPED; stty -a | grep -o -- '-*icanon'; sleep 0.2; fg; echo ENDED`;
    const child = spawn('script', ['-qec', `bash -c '${job}'`, '/dev/null'], {
      env: { ...process.env, TERM: 'xterm' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    endsWithUs(child);
    let text = '';
    child.stdout.setEncoding('utf8').on('data', some => {
      text += some;
    });
    const seen = (what: string, from = 0) =>
      until(
        () => text.indexOf(what, from) >= 0,
        `${JSON.stringify(what)} in ${JSON.stringify(text)}`,
        30_000,
      );
    const OPEN = '\u001b[?1049h';
    const CLOSE = '\u001b[?1049l';
    await seen('trying again');
    child.stdin.write('\u001a');
    await seen('STOPPED');
    const stopped = text.indexOf('STOPPED');
    expect(text.lastIndexOf(CLOSE, stopped)).toBeGreaterThan(text.lastIndexOf(OPEN, stopped));
    await seen('trying again', stopped);
    // The shell's mode, not that of single keys.
    expect(text.slice(stopped)).toMatch(/STOPPED\s+icanon/);
    // What fell due while it was stopped is not drawn on the shell's screen.
    const opened = text.indexOf(OPEN, stopped);
    expect(opened).toBeGreaterThan(0);
    expect(text.slice(stopped, opened)).not.toContain('trying again');
    child.stdin.write('p');
    await seen('PAUSED', stopped);
    child.stdin.write('q');
    await seen('ENDED');
    expect(text.lastIndexOf(CLOSE)).toBeGreaterThan(text.lastIndexOf(OPEN));
    child.stdin.end();
  });
});

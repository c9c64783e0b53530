import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, describe, expect, test } from 'vitest';
import { exchange } from '../../src/tools/harness/client.ts';
import { STEPS } from '../../steps/kit/manifest.ts';
import { flagsOf } from '../../steps/kit/step.ts';
import { ACCEPTED, BUSY, buyLine } from '../support/asking.ts';
import { type Output, outputOf } from '../support/output.ts';
import { CLI, runCli } from '../support/server.ts';

const state = mkdtempSync(join(tmpdir(), 'tally-step-'));
const XDG_STATE_HOME = state;
const running = new Set<ChildProcessByStdio<null, Readable, Readable>>();

afterAll(() => {
  for (const child of running) child.kill('SIGTERM');
  rmSync(state, { recursive: true, force: true });
});

interface RunningStep {
  port: number;
  output: Output;
  /** Signals the whole process group, as a terminal does, or `tally step` alone. */
  stop(signal: NodeJS.Signals, whom?: 'group'): Promise<number | null>;
}

/** `tally step`, in a process group of its own, once it says that it listens. */
async function startStep(number: number, ...flags: string[]): Promise<RunningStep> {
  const child = spawn(process.execPath, [CLI, 'step', String(number), '--port', '0', ...flags], {
    env: { ...process.env, XDG_STATE_HOME },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  running.add(child);
  const output = outputOf(child);
  const ended = new Promise<number | null>(resolve => {
    child.on('close', exitCode => {
      running.delete(child);
      resolve(exitCode);
    });
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.on('data', () => {
      const match = /listening on 127\.0\.0\.1:(\d+)\n/.exec(output.stdout);
      if (match) resolve(Number(match[1]));
    });
    void ended.then(exitCode => reject(new Error(`step ${number} ended with ${exitCode}: ${output.stderr}`)));
  });
  return {
    port,
    output,
    stop: (signal, whom) => {
      process.kill(whom === 'group' ? -child.pid! : child.pid!, signal);
      return ended;
    },
  };
}

describe.concurrent('wrong usage exits with 2, one line, and starts nothing', () => {
  test.each([
    ['', 'which one? tally step 1, to 10; tally steps lists them'],
    ['--port 1', 'which one? tally step 1, to 10; tally steps lists them'],
    ['11', '11 is a lesson, of two servers: tally lesson 11'],
    ['99', 'there is no step 99: they are 1 to 10; tally steps lists them'],
    ['five', 'there is no step five: they are 1 to 10; tally steps lists them'],
    ['src', 'src is the finished server: tally serve'],
    ['4 --workers 3', 'step 4 does not take --workers; it takes --port, --work-us and --work'],
    ['1 --nonsense', 'step 1 does not take --nonsense; it takes --port'],
    ['6 7', 'step 6 does not take 7; it takes --port, --queue, --workers, --work-us, --window-us and --work'],
    ['6 --workers 0', '--workers 0 is not a whole number from 1 to 64'],
    ['6 --workers=-1', '--workers -1 is not a whole number from 1 to 64'],
    ['6 --queue 1000x', '--queue 1000x is not a whole number from 1 to 1048576'],
    ['6 --work sleep', '--work sleep is not block or cpu'],
    ['6 --port 99999', '--port 99999 is not a whole number from 0 to 65535'],
    ['9 --count', '--count needs a value: padded, shared or lock'],
    ['5 --unbounded=yes', '--unbounded is a switch; it takes no value'],
  ])('tally step %s', async (args, message) => {
    const ran = await runCli(['step', ...args.split(' ').filter(Boolean)], { XDG_STATE_HOME });
    expect(ran).toEqual({ exitCode: 2, stdout: '', stderr: `tally step: ${message}\n` });
  });
});

test('tally step --help says what each flag of each step may be', async () => {
  const { exitCode, stdout, stderr } = await runCli(['step', '--help']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const flags = new Set(STEPS.flatMap(flagsOf));
  expect(
    [...stdout.matchAll(/^ {2}(--\S+) .*; (?:all steps|steps? \d+)/gm)].map(match => match[1]).sort(),
  ).toEqual([...flags].sort());
  expect(await runCli(['help', 'step'])).toMatchObject({ stdout });
});

test('a port in use is one line, and exit code 1', async () => {
  const squatter = createServer();
  await new Promise<void>(resolve => squatter.listen(0, '127.0.0.1', resolve));
  const { port } = squatter.address() as { port: number };
  try {
    const ran = await runCli(['step', '2', '--port', String(port)], { XDG_STATE_HOME });
    expect(ran).toMatchObject({ exitCode: 1, stdout: '' });
    expect(ran.stderr).toMatch(new RegExp(`^tally step: port ${port} on 127.0.0.1 is in use; .*\n$`));
  } finally {
    squatter.close();
  }
});

describe.concurrent('a step that runs', () => {
  test('is introduced, answers, takes its flags, and passes on what ended it', async () => {
    const step = await startStep(5, '--queue', '2', '--work-us', '300000', '--work=block');
    expect(step.output.stderr).toContain('step 5, bounded queue: Dropping data is better than crashing.\n');
    expect(step.output.stderr).toContain('pain: capacity is one thread (npx tally pain 5)');
    expect(step.output.stderr).toContain(`talk: nc 127.0.0.1 ${step.port}, then type {"user":"alice"`);
    const replies = await exchange(step.port, buyLine('alice', 1).repeat(4));
    expect(replies).toBe(`${[ACCEPTED, ACCEPTED, BUSY, BUSY].join('\n')}\n`);
    expect(await step.stop('SIGTERM')).toBe(143);
    const kept = JSON.parse(readFileSync(join(state, 'tally', 'progress.json'), 'utf8')) as { steps: object };
    expect(kept.steps).toMatchObject({ 5: ['ran'] });
  });

  test('takes a switch, and says 130 after Ctrl+C', async () => {
    const step = await startStep(5, '--unbounded', '--queue', '1', '--work-us', '300000');
    const replies = await exchange(step.port, buyLine('alice', 1).repeat(4));
    expect(replies).toBe(`${ACCEPTED}\n`.repeat(4));
    expect(await step.stop('SIGINT')).toBe(130);
  });

  test('gets one signal for one Ctrl+C, though a terminal sends it to everybody', async () => {
    const step = await startStep(10, '--work-us', '100000');
    expect(await exchange(step.port, buyLine('alice', 1).repeat(4))).toBe(`${ACCEPTED}\n`.repeat(4));
    // The second signal would end it at once, with events in its queue.
    expect(await step.stop('SIGINT', 'group')).toBe(0);
    expect(step.output.stdout).toContain('stopped: {"received":4,"processed":4,"dropped":0}');
  });

  test('says anything goes, where it sends back what it gets', async () => {
    const step = await startStep(1);
    expect(step.output.stderr).toContain('then type anything\n');
    expect(await exchange(step.port, 'anything\n')).toBe('anything\n');
    expect(await step.stop('SIGINT', 'group')).toBe(130);
  });
});

/**
 * `tally load` and `tally compare` as processes of their own, compiled, with a deadline: a generator that hangs is
 * killed and fails its test.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { endsWithUs } from '../../src/tools/harness/process.ts';
import type { LoadResult } from '../../src/tools/load/result.ts';
import { isHungInNode, NODE_HANG } from '../support/hung.ts';
import { outputOf } from '../support/output.ts';
import { CLI } from '../support/server.ts';

const DEADLINE_MS = 110_000;
/** Up to the load. That is a second of processor time, and a dozen processes may start at once on two cores. */
export const START_MS_MAX = 60_000;
/** Before a test's own time is up. Most runs have long ended; one that hangs in Node itself says nothing any more. */
const HANG_LOOK_MS = 15_000;

export interface Ran {
  exitCode: number | null;
  stdout: string;
  stderr: string;
  /** The lines of standard error that are messages, without the command's name. */
  complaints: string[];
}

export interface RunningLoad {
  process: ChildProcess;
  ended: Promise<Ran>;
}

export function startTally(args: string[], env: Record<string, string> = {}): RunningLoad {
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  endsWithUs(child);
  const output = outputOf(child);
  const ended = new Promise<Ran>((resolve, reject) => {
    let why: string | undefined;
    const end = (reason: string) => {
      why = reason;
      child.kill('SIGKILL');
    };
    // Twice: a main thread may well be in a futex for a moment.
    let look = setTimeout(() => {
      if (!isHungInNode(child.pid!)) return;
      look = setTimeout(() => isHungInNode(child.pid!) && end(NODE_HANG), 1_000);
    }, HANG_LOOK_MS);
    const timer = setTimeout(() => end(`still running after ${DEADLINE_MS} ms`), DEADLINE_MS);
    child.on('close', exitCode => {
      clearTimeout(look);
      clearTimeout(timer);
      if (why !== undefined) reject(new Error(`${why}: tally ${args.join(' ')}\n${output.stderr}`));
      const messages = output.stderr.split('\n').filter(line => /^tally(?: \w+)?: /.test(line));
      const complaints = messages.map(line => line.replace(/^tally(?: \w+)?: /, ''));
      resolve({ exitCode, ...output, complaints });
    });
  });
  return { process: child, ended };
}

export function tally(args: string[], env: Record<string, string> = {}): Promise<Ran> {
  return startTally(args, env).ended;
}

export interface RanWithResult extends Ran {
  result: LoadResult;
}

export function startLoad(
  port: number,
  flags: string,
): { process: ChildProcess; ended: Promise<RanWithResult> } {
  const running = startTally(['load', '--port', String(port), '--json', '-', ...flags.split(' ')]);
  const ended = running.ended.then(ran => {
    try {
      return { ...ran, result: JSON.parse(ran.stdout) as LoadResult };
    } catch {
      throw new Error(`no JSON on standard output, exit code ${ran.exitCode}: ${ran.stdout}${ran.stderr}`);
    }
  });
  ended.catch(() => {});
  return { process: running.process, ended };
}

/** A run with `--json -`: the table is on standard error. */
export function load(port: number, flags: string): Promise<RanWithResult> {
  return startLoad(port, flags).ended;
}

const folders: string[] = [];

/** A path in a folder that is gone when the tests of this file are over. */
export function scratchFile(name: string): string {
  if (folders.length === 0) folders.push(mkdtempSync(join(tmpdir(), 'tally-load-')));
  return join(folders[0]!, name);
}

afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

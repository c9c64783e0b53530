/**
 * The bench runner as a process of its own, compiled, as `npm run bench` starts it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { outputOf } from './output.ts';

export const BENCH_CLI = fileURLToPath(new URL('../../dist/bench/cli.js', import.meta.url));

export interface BenchRun {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** Runs it to its end. `onStart` may watch the process, or signal it. */
export async function runBench(
  args: string[],
  onStart: (child: ChildProcess) => void = () => {},
): Promise<BenchRun> {
  const child = spawn(process.execPath, [BENCH_CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = outputOf(child);
  onStart(child);
  const exitCode = await new Promise<number | null>(resolve => child.on('close', resolve));
  return { exitCode, ...output };
}

/** A step as a process of its own, compiled, on a free port: as its reader runs it. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../../src/tools/harness/process.ts';
import { stepOf } from '../../../steps/kit/manifest.ts';
import { until } from '../../support/client.ts';
import { type Output, outputOf } from '../../support/output.ts';

export interface RunningStep {
  port: number;
  pid: number;
  output: Output;
  /** Its exit code, or the signal that ended it; undefined while it runs. */
  exit: () => number | NodeJS.Signals | undefined;
  signal: (name: NodeJS.Signals) => void;
  exited: Promise<void>;
}

type Child = ChildProcessByStdio<null, Readable, Readable>;
const running = new Set<Child>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export async function startStep(number: number, flags: string[] = []): Promise<RunningStep> {
  const file = new URL(`../../../dist/steps/${stepOf(number).folder}/server.js`, import.meta.url);
  const port = await freePort();
  const args = [fileURLToPath(file), '--port', String(port), ...flags];
  const child: Child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const output = outputOf(child);
  let exit: number | NodeJS.Signals | undefined;
  const exited = new Promise<void>(resolve => {
    child.on('close', (code, signal) => {
      running.delete(child);
      exit = code ?? signal!;
      resolve();
    });
  });
  await until(() => {
    if (exit !== undefined) throw new Error(`step ${number} ended before it listened: ${output.stderr}`);
    return output.stdout === `listening on 127.0.0.1:${port}\n`;
  }, `step ${number} to listen`);
  return { port, pid: child.pid!, output, exit: () => exit, signal: name => child.kill(name), exited };
}

/** Runs something against a step, which must be alive at the end and is then killed. */
export async function withStep(
  number: number,
  flags: string[],
  use: (step: RunningStep) => Promise<void>,
): Promise<void> {
  const step = await startStep(number, flags);
  try {
    await use(step);
    if (step.exit() !== undefined) throw new Error(`it ended with ${step.exit()}: ${step.output.stderr}`);
  } finally {
    step.signal('SIGKILL');
    await step.exited;
  }
}

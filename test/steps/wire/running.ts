/** A step as a process of its own, compiled, on a free port: as its reader runs it. */
import { fileURLToPath } from 'node:url';
import { freePort, startSaying } from '../../../src/tools/harness/server.ts';
import { stepOf } from '../../../steps/kit/manifest.ts';

export interface RunningStep {
  port: number;
  pid: number;
  stdout: () => string;
  stderr: () => string;
  /** Its exit code, or the signal that ended it; undefined while it runs. */
  exit: () => number | NodeJS.Signals | undefined;
  signal: (name: NodeJS.Signals) => void;
  exited: Promise<void>;
}

const START_MS_MAX = 20_000;

export async function startStep(number: number, flags: string[] = []): Promise<RunningStep> {
  const file = new URL(`../../../dist/steps/${stepOf(number).folder}/server.js`, import.meta.url);
  const port = await freePort();
  const args = [fileURLToPath(file), '--port', String(port), ...flags];
  let stdout = '';
  const server = await startSaying(
    { name: `step ${number}`, program: process.execPath, args },
    line => {
      stdout += `${line}\n`;
      return stdout === `listening on 127.0.0.1:${port}\n` ? port : undefined;
    },
    START_MS_MAX,
  );
  let exit: number | NodeJS.Signals | undefined;
  return {
    port,
    pid: server.pid!,
    stdout: () => stdout,
    stderr: server.errors,
    exit: () => exit,
    signal: server.signal,
    exited: server.ended.then(({ exitCode, signal }) => {
      exit = exitCode ?? signal!;
    }),
  };
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
    if (step.exit() !== undefined) throw new Error(`it ended with ${step.exit()}: ${step.stderr()}`);
  } finally {
    step.signal('SIGKILL');
    await step.exited;
  }
}

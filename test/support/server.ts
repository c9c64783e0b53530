/**
 * The real server as a process of its own, on a free port, for tests that speak to it as users do.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { outputOf } from './output.ts';

/** As in the first line of cli.ts and in `npm start`. */
const NODE_FLAGS = ['--max-semi-space-size=1'];
export const CLI = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

export interface Ledger {
  exitCode: number;
  received: number;
  processed: number;
  dropped: number;
  invalid: number;
  lost: number;
  /** The first one. */
  signal: NodeJS.Signals;
  elapsedMs: number;
  lateWakes: number;
  workerDeaths: number;
}

export interface Stopped {
  /** What the process really exited with. */
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  ledger: Ledger | undefined;
  /** From the first signal that `stop` sent to the exit. */
  elapsedMs: number;
}

export interface RunningServer {
  port: number;
  pid: number;
  process: ChildProcess;
  /** Every JSON line that it printed so far. */
  events: Record<string, unknown>[];
  stderr: () => string;
  /** Sends the signals, one after the other, and waits for the exit. */
  stop(...signals: NodeJS.Signals[]): Promise<Stopped>;
  exited: Promise<Omit<Stopped, 'elapsedMs'>>;
}

/** What a failed test left running ends with the process that runs the tests. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export function endsWithTests(child: ChildProcess): void {
  running.add(child);
  child.once('close', () => running.delete(child));
}

/** Starts `tally serve` with these flags and waits until it says that it listens. */
export async function startServer(
  flags: string[] = [],
  env: Record<string, string> = {},
): Promise<RunningServer> {
  const child = spawn(process.execPath, [...NODE_FLAGS, CLI, 'serve', '--port', '0', ...flags], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  endsWithTests(child);
  const events: Record<string, unknown>[] = [];
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', text => {
    errors += text;
  });
  const exited = new Promise<Omit<Stopped, 'elapsedMs'>>(resolve => {
    child.on('close', (exitCode, signal) => {
      const last = events.at(-1);
      resolve({
        exitCode,
        signal,
        ledger: last?.event === 'stopped' ? (last as unknown as Ledger) : undefined,
      });
    });
  });
  const listening = new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', line => {
      const event = JSON.parse(line) as Record<string, unknown>;
      events.push(event);
      if (event.event === 'listening') resolve(event.port as number);
    });
    void exited.then(({ exitCode }) =>
      reject(new Error(`the server ended with ${exitCode} before it listened: ${errors}`)),
    );
  });
  const port = await listening;
  return {
    port,
    pid: child.pid!,
    process: child,
    events,
    stderr: () => errors,
    exited,
    async stop(...signals) {
      const startMs = performance.now();
      for (const signal of signals.length === 0 ? (['SIGTERM'] as const) : signals) child.kill(signal);
      return { ...(await exited), elapsedMs: performance.now() - startMs };
    },
  };
}

/** Runs the command line to its end. */
export async function runCli(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [...NODE_FLAGS, CLI, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = outputOf(child);
  const exitCode = await new Promise<number | null>(resolve => child.on('close', resolve));
  return { exitCode, ...output };
}

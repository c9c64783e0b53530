/**
 * The real server as a process of its own, on a free port, for tests that speak to it as users do.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startSaying } from '../../src/tools/harness/server.ts';
import { outputOf } from './output.ts';

/** As in the first line of cli.ts and in `npm start`. Other commands do without: it costs each start 20 ms. */
const NODE_FLAGS = ['--max-semi-space-size=1'];
const START_MS_MAX = 90_000;
export const CLI = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

/** The port in the line with which servers of the path say that they listen. */
export function portSaid(line: string): number | undefined {
  const match = /^listening on 127\.0\.0\.1:(\d+)$/.exec(line);
  return match === null ? undefined : Number(match[1]);
}

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

/** Starts `tally serve` with these flags, of this build or another, and waits until it says that it listens. */
export async function startServer(
  flags: string[] = [],
  env: Record<string, string> = {},
  cli = CLI,
): Promise<RunningServer> {
  const events: Record<string, unknown>[] = [];
  const server = await startSaying(
    {
      name: 'the server',
      program: process.execPath,
      args: [...NODE_FLAGS, cli, 'serve', '--port', '0', ...flags],
      env,
    },
    line => {
      const event = JSON.parse(line) as Record<string, unknown>;
      events.push(event);
      return event.event === 'listening' ? (event.port as number) : undefined;
    },
    START_MS_MAX,
  );
  const exited = server.ended.then(ended => {
    const last = events.at(-1);
    return { ...ended, ledger: last?.event === 'stopped' ? (last as unknown as Ledger) : undefined };
  });
  return {
    port: server.port,
    pid: server.pid!,
    process: server.child,
    events,
    stderr: server.errors,
    exited,
    async stop(...signals) {
      const startMs = performance.now();
      for (const signal of signals.length === 0 ? (['SIGTERM'] as const) : signals) server.signal(signal);
      return { ...(await exited), elapsedMs: performance.now() - startMs };
    },
  };
}

/** Runs the command line to its end. */
export async function runCli(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  const flags = args[0] === 'serve' ? NODE_FLAGS : [];
  const child = spawn(process.execPath, [...flags, CLI, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = outputOf(child);
  const exitCode = await new Promise<number | null>(resolve => child.on('close', resolve));
  return { exitCode, ...output };
}

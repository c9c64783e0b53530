/**
 * A server to measure, as a process of its own: started, awaited until it listens, its processor time read, stopped
 * by its process id within a deadline. However the bench ends, none is left behind: what still runs is killed when
 * the process exits.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { cpuSecondsOf } from '../../src/tools/harness/cpu.ts';

const START_MS_MAX = 15_000;
/** Longer than Tally's whole shutdown may take. */
const STOP_MS_MAX = 10_000;
/** Of what a server prints to stderr, for the message when it fails. */
const ERRORS_CHARS_MAX = 2_000;

export interface Command {
  /** For messages. */
  name: string;
  program: string;
  args: string[];
  /** The port, if this line of its output says that it listens. */
  portOf(line: string): number | undefined;
  /** When it has ended, or the bench ends: removes what it leaves. Must be quick, and may come twice. */
  cleanUp?(): void;
}

export interface PeerProcess {
  name: string;
  port: number;
  pid: number;
  /** Since it started; undefined where that can't be known. */
  cpuSeconds(): number | undefined;
  /** Resolves to how it ended: its exit code, or the signal that ended it. */
  stop(): Promise<number | NodeJS.Signals>;
}

/** The program is not on this machine. */
export class NotInstalledError extends Error {}

interface Running {
  child: ChildProcess;
  cleanUp: () => void;
}
const running = new Set<Running>();

/** Starts it and waits until it says that it listens. */
export async function startProcess(command: Command): Promise<PeerProcess> {
  const { name, program, args, portOf } = command;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const entry = { child, cleanUp: () => command.cleanUp?.() };
  keep(entry);

  let errors = '';
  child.stderr.setEncoding('utf8').on('data', text => {
    errors = (errors + text).slice(-ERRORS_CHARS_MAX);
  });
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode, signal) => resolve(exitCode ?? signal!));
  }).finally(() => forget(entry));
  const listening = new Promise<number>((resolve, reject) => {
    // Goes on reading behind that line: a full pipe would stop the server.
    createInterface({ input: child.stdout }).on('line', line => {
      const port = portOf(line);
      if (port !== undefined) resolve(port);
    });
    ended.then(
      end => reject(new Error(`${name} ended with ${end} before it listened: ${errors.trim()}`)),
      error => reject(startMistake(error, command)),
    );
  });

  const port = await within(START_MS_MAX, listening, () => {
    child.kill('SIGKILL');
    return new Error(`${name} did not listen within ${START_MS_MAX} ms: ${errors.trim()}`);
  });
  return {
    name,
    port,
    pid: child.pid!,
    cpuSeconds: () => cpuSecondsOf(child.pid!),
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
      return ended.finally(() => clearTimeout(timer));
    },
  };
}

function startMistake(error: NodeJS.ErrnoException, { name, program }: Command): Error {
  if (error.code !== 'ENOENT') return new Error(`can't start ${name}: ${error.message}`);
  return new NotInstalledError(`${program} is not installed, so there are no figures for ${name}`);
}

async function within<Value>(ms: number, wanted: Promise<Value>, giveUp: () => Error): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(giveUp()), ms);
  });
  return Promise.race([wanted, deadline]).finally(() => clearTimeout(timer));
}

function keep(entry: Running): void {
  if (running.size === 0) process.on('exit', endAll);
  running.add(entry);
}

function forget(entry: Running): void {
  entry.cleanUp();
  running.delete(entry);
  if (running.size === 0) process.off('exit', endAll);
}

function endAll(): void {
  for (const { child, cleanUp } of running) {
    child.kill('SIGKILL');
    cleanUp();
  }
}

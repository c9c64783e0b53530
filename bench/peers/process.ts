/** A server to measure, as a process of its own, stopped within a deadline. */
import { cpuSecondsOf } from '../../src/tools/harness/cpu.ts';
import type { Program } from '../../src/tools/harness/process.ts';
import { startSaying } from '../../src/tools/harness/server.ts';

const START_MS_MAX = 60_000;
/** Longer than Tally's whole shutdown may take. */
const STOP_MS_MAX = 10_000;

export interface Command extends Omit<Program, 'onLine'> {
  /** The port, if this line of its output says that it listens. */
  portOf(line: string): number | undefined;
}

export interface PeerProcess {
  name: string;
  port: number;
  pid: number;
  /** Since it started; undefined if unknown. */
  cpuSeconds(): number | undefined;
  /** Resolves to how it ended: its exit code, or the signal that ended it. */
  stop(): Promise<number | NodeJS.Signals>;
}

/** The program is not on this machine. */
export class NotInstalledError extends Error {}

/** Starts it and waits until it says that it listens. */
export async function startProcess(command: Command): Promise<PeerProcess> {
  const { name, program, portOf } = command;
  const server = await startSaying(command, portOf, START_MS_MAX).catch(error => {
    if (error.cause?.code !== 'ENOENT') throw error;
    throw new NotInstalledError(`${program} is not installed, so there are no figures for ${name}`);
  });
  const pid = server.pid!;
  return {
    name,
    port: server.port,
    pid,
    cpuSeconds: () => cpuSecondsOf(pid),
    async stop() {
      server.signal('SIGTERM');
      const timer = setTimeout(() => server.signal('SIGKILL'), STOP_MS_MAX);
      const { exitCode, signal } = await server.ended.finally(() => clearTimeout(timer));
      return exitCode ?? signal!;
    },
  };
}

/**
 * A server under examination, as a process of its own. Who examines it sees its port, may signal it, and may wait for
 * its end; nothing else.
 */
import type { ChildProcess } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Ended {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
}

export interface Server {
  host: string;
  port: number;
  /** Of a server that was found, not started: undefined. */
  pid: number | undefined;
  hasEnded: boolean;
  ended: Promise<Ended>;
  /** What it printed last, for whoever must explain why it ended. */
  output: () => string;
  signal(name: NodeJS.Signals): void;
  /** Ends a server that was started, at once. A server that was found is left alone. */
  stop(): Promise<void>;
}

/** A server did not start, or ended when it should not. */
export class ServerError extends Error {}

const HOST = '127.0.0.1';
/** Who waits longer is told what for. */
const TOLD_AFTER_MS = 3_000;
/** Below the range from which systems take the ports of outgoing connections. */
const PORTS_FROM = 20_000;
const PORTS = 10_000;
const OUTPUT_CHARACTERS_MAX = 4_000;

const running = new Set<() => void>();
// Nothing that was started outlives this process.
process.on('exit', () => {
  for (const kill of running) kill();
});

/** Waits until it listens; if it does not, it is stopped. */
export async function launched(
  child: ChildProcess,
  port: number,
  name: string,
  limitMs: number,
): Promise<Server> {
  let output = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding('utf8').on('data', text => {
      output = (output + text).slice(-OUTPUT_CHARACTERS_MAX);
    });
  const kill = () => signalGroup(child, 'SIGKILL');
  running.add(kill);
  const ended = new Promise<Ended>(resolve => {
    child.on('error', error => {
      output += error.message;
      resolve({ exitCode: null, signal: null });
    });
    child.on('exit', (exitCode, signal) => resolve({ exitCode, signal }));
  });
  const server: Server = {
    host: HOST,
    port,
    pid: child.pid,
    hasEnded: false,
    ended,
    output: () => output.trimEnd(),
    signal: signal => signalGroup(child, signal),
    stop: async () => {
      kill();
      await ended;
      // Whoever was started from it, and has left its group, may still hold them open.
      child.stdout!.destroy();
      child.stderr!.destroy();
      running.delete(kill);
    },
  };
  void ended.then(() => {
    server.hasEnded = true;
  });
  try {
    await listening(server, name, limitMs);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** A command was started in a group of its own, which may live on when the shell has ended; a step was not. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  const isGroup = child.spawnfile === 'sh';
  if (child.pid === undefined || (!isGroup && (child.exitCode !== null || child.signalCode !== null))) return;
  try {
    process.kill(isGroup ? -child.pid : child.pid, signal);
  } catch {
    // There is nobody left.
  }
}

async function listening(server: Server, name: string, limitMs: number): Promise<void> {
  const { host, port } = server;
  const startMs = performance.now();
  let isTold = false;
  while (!(await isListening(host, port))) {
    // The shell's own words, without one that nobody wrote.
    const printed = server.output().replace(/^(sh: \d+: )exec: /m, '$1');
    const said = printed === '' ? '' : `; it printed:\n${printed}`;
    if (server.hasEnded) throw new ServerError(`${name} ended before it listened on port ${port}${said}`);
    const elapsedMs = performance.now() - startMs;
    if (elapsedMs > limitMs) throw new ServerError(`${await whyNot(name, port, limitMs)}${said}`);
    if (elapsedMs > TOLD_AFTER_MS && !isTold) {
      process.stderr.write(
        `waiting for ${name} to listen on ${host}:${port}, the port in the variable PORT (up to ${limitMs / 1_000} s)\n`,
      );
      isTold = true;
    }
    await sleep(10);
  }
}

async function whyNot(name: string, port: number, limitMs: number): Promise<string> {
  if (await isListening('::1', port)) return `${name} listens on [::1]:${port}; it must listen on ${HOST}`;
  return (
    `${name} does not listen on port ${port} after ${limitMs / 1_000} s. It must take the port from the variable ` +
    'PORT, or from {port} in the command'
  );
}

export function isListening(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host, port });
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

/** A port that nobody has, and that no outgoing connection will get. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS_FROM + Math.floor(Math.random() * PORTS);
    const isFree = await new Promise<boolean>(resolve => {
      const probe = createServer().on('error', () => resolve(false));
      probe.listen(port, HOST, () => probe.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}

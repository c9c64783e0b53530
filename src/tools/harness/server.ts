/** Servers as processes of their own, started and awaited until they listen. */
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { withoutControls } from '../../cli/terminal/quoting.ts';
import { type Ended, type Program, type Running, start } from './process.ts';
import { within } from './waiting.ts';

/** A server to examine; it may have been running already. */
export interface Server {
  host: string;
  port: number;
  /** Undefined for a server that was not started here. */
  pid: number | undefined;
  hasEnded: boolean;
  ended: Promise<Ended>;
  /** Its last output, to explain why it ended. */
  output(): string;
  signal(name: NodeJS.Signals): void;
  /** Ends the server at once, if it was started here. */
  stop(): Promise<void>;
}

export type StartedServer = Running & Server;

/** A server did not start, or ended when it should not. */
export class ServerError extends Error {}

const HOST = '127.0.0.1';
const LOOK_MS = 10;
/** As `tally load` has it. */
const CONNECT_MS_MAX = 5_000;
/** After this time, the user is told what is waited for. */
const TOLD_AFTER_MS = 3_000;
/** Below the range from which systems take the ports of outgoing connections. */
const PORTS_FROM = 20_000;
const PORTS = 10_000;

/** Starts a server that was told its port, and waits until it listens there. If it does not, it is stopped. */
export async function startOnPort(program: Program, port: number, limitMs: number): Promise<StartedServer> {
  const server = Object.assign(start(program), { host: HOST, port });
  try {
    await listening(server, program.name, limitMs);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/**
 * Starts a server that prints a line when it listens, from which `portOf` takes its port. `portOf` hears every line,
 * also behind that one. If there is none within the time, the server is stopped.
 */
export async function startSaying(
  program: Program,
  portOf: (line: string) => number | undefined,
  limitMs: number,
): Promise<StartedServer> {
  const { name } = program;
  let onPort = (_: number) => {};
  const said = new Promise<number>(resolve => {
    onPort = resolve;
  });
  const running = start({
    ...program,
    onLine(line) {
      const port = portOf(line);
      if (port !== undefined) onPort(port);
    },
  });
  const ended = running.ended.then(({ exitCode, signal }) => {
    if (running.mistake) throw new ServerError(`can't start ${name}`, { cause: running.mistake });
    throw new ServerError(`${name} ended with ${exitCode ?? signal} before it listened: ${running.errors()}`);
  });
  const port = await within(limitMs, Promise.race([said, ended]));
  if (port === undefined) {
    await running.stop();
    throw new ServerError(`${name} did not listen within ${limitMs} ms: ${running.errors()}`);
  }
  return Object.assign(running, { host: HOST, port });
}

async function listening(server: Server, name: string, limitMs: number): Promise<void> {
  const { host, port } = server;
  const startMs = performance.now();
  let isTold = false;
  while (!(await isListening(host, port))) {
    // The message of the shell, without the `exec` that was added here.
    const printed = withoutControls(server.output()).replace(/^(sh: \d+: )exec: /m, '$1');
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
    await sleep(LOOK_MS);
  }
}

async function whyNot(name: string, port: number, limitMs: number): Promise<string> {
  if (await isListening('::1', port)) return `${name} listens on [::1]:${port}; it must listen on ${HOST}`;
  return (
    `${name} does not listen on port ${port} after ${limitMs / 1_000} s. It must take the port from the variable ` +
    'PORT, or from {port} in the command'
  );
}

export async function isListening(host: string, port: number): Promise<boolean> {
  return (await unreachable(host, port)) === undefined;
}

/** Why there is no connection within the time: the system's error, or that nothing came; undefined if there is one. */
export function unreachable(
  host: string,
  port: number,
  limitMs = CONNECT_MS_MAX,
): Promise<string | undefined> {
  return new Promise(resolve => {
    const socket = connect({ host, port });
    const end = (why?: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(why);
    };
    const timer = setTimeout(() => end(`no answer within ${limitMs / 1_000} s`), limitMs);
    socket.on('connect', () => end()).on('error', ({ message }) => end(message));
  });
}

/** A free port, outside the range of outgoing connections. */
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

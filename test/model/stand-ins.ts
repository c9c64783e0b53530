/**
 * What stands in the place of Node's modules while a test moves the server by hand. Imports nothing of the server, so
 * that a module can be replaced before the first of them is loaded.
 */
import type { Server } from 'node:net';

/** What `createServer` made last. */
let server: Server | undefined;

/** Makes servers that nobody can connect to, save through `takeConnection`. */
export function keepServer<Of extends unknown[]>(create: (...of: Of) => Server): (...of: Of) => Server {
  return (...of) => {
    server = create(...of);
    return server;
  };
}

/** Hands a connection to the server made last. */
export function takeConnection(socket: unknown): void {
  server!.emit('connection', socket);
}

/** `setTimeout` of node:timers/promises on the global timers, whose time can be moved by hand. */
export function sleep(ms: number, value?: unknown, options: { signal?: AbortSignal } = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms, value);
    options.signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new Error('aborted'));
    });
  });
}

/**
 * The listening socket and the connections it has brought.
 */
import { createServer, type Server } from 'node:net';
import type { Service } from '../session/service.ts';
import { Connection } from '../session/session.ts';
import { readInto } from './plain-transport.ts';

/** Node's default on this version's oldest Node; fixed, because the limits on unread replies build on it. */
const STREAM_BYTES = 16_384;

/** The address can't be listened on: exit code 1. */
export class ListenError extends Error {}

export class Listener {
  readonly connections = new Set<Connection>();
  readonly #server: Server;
  #onEmpty: () => void = () => {};
  #isClosing = false;

  constructor(service: Service, read = readInto) {
    // Half-open: a client that has shut down its sending side still gets its replies. No delay: replies leave
    // in one write, and the next should not wait for the acknowledgement of the last. Paused: until somebody reads.
    const options = { allowHalfOpen: true, noDelay: true, pauseOnConnect: true, highWaterMark: STREAM_BYTES };
    this.#server = createServer(options, socket => {
      const onClose = () => {
        this.connections.delete(connection);
        if (this.connections.size === 0) this.#onEmpty();
      };
      const connection = new Connection(socket, service, onClose, read);
      this.connections.add(connection);
    });
    this.#server.maxConnections = service.config.connectionsMax;
    this.#server.on('drop', () => {
      service.clients.connections_refused += 1;
    });
  }

  /** Resolves to the port, once it listens. */
  listen(host: string, port: number, backlog: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', error => reject(new ListenError(listenMistake(error, host, port))));
      this.#server.listen({ host, port, backlog }, () => {
        this.#server.removeAllListeners('error');
        // A failing accept (no descriptor, no memory) loses that connection, not the server.
        this.#server.on('error', () => {});
        const address = this.#server.address();
        if (this.#isClosing) this.#server.close();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  /** Closes for good, also when it is not listening yet. */
  close(): void {
    this.#isClosing = true;
    this.#server.close();
  }

  /** Resolves when no connection is left. */
  empty(): Promise<void> {
    return new Promise(resolve => {
      this.#onEmpty = resolve;
      if (this.connections.size === 0) resolve();
    });
  }
}

/** What is wrong, in one line, and what would be right. */
export function listenMistake(
  error: Pick<NodeJS.ErrnoException, 'code' | 'message'>,
  host: string,
  port: number,
  flag = '--port',
): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `port ${port} on ${host} is in use; stop what listens there, or take another with ${flag} (0 takes a free one)`;
    case 'EACCES':
      return `port ${port} needs privileges this process does not have; take one above 1023 with ${flag}`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${host} is no address of this machine; take 127.0.0.1, ::1 or 0.0.0.0 with --host`;
    default:
      return `can't listen on ${host}:${port}: ${error.message}`;
  }
}

/**
 * The listening socket.
 */
import { type AddressInfo, createServer, type Server } from 'node:net';
import { CloseQueue } from './close-queue.ts';
import { PlainTransport, readInto } from './plain-transport.ts';
import type { Transport } from './transport.ts';

/** The default of the oldest supported Node; fixed here, because the limit on unread replies depends on it. */
const STREAM_BYTES = 16_384;

/** The server can't listen on the address: exit code 1. */
export class ListenError extends Error {}

/** Where a server listens: the address and the port that it really has. */
export type ListensAt = Pick<AddressInfo, 'address' | 'port'>;

/** Receives the accepted connections. */
export interface Accepting {
  /** Takes a connection, or refuses it if there are too many. */
  accept(transport: Transport): void;
  /** A connection was closed at once: there were too many, and no place to say so. */
  refused(): void;
  /** The most connections that may be open, those included that are being refused. Read at every accept. */
  readonly openMax: number;
}

export class Listener {
  readonly #server: Server;
  readonly #closeQueue = new CloseQueue();
  #isClosing = false;

  constructor(accepting: Accepting, limits: { readonly keepaliveMs: number }, read = readInto) {
    // Half-open: a client that has shut down its sending side still gets its replies. No delay: replies leave in one
    // write, which should not wait for the acknowledgement of the last. Paused: until the transport reads.
    const options = { allowHalfOpen: true, noDelay: true, pauseOnConnect: true, highWaterMark: STREAM_BYTES };
    this.#server = createServer(options, socket => {
      // The system keeps whole seconds. It is set on the handle, which a new socket may take over.
      const seconds = Math.ceil(limits.keepaliveMs / 1_000);
      if (seconds > 0) socket.setKeepAlive(true, seconds * 1_000);
      accepting.accept(new PlainTransport(socket, this.#closeQueue, read));
    });
    // A getter, because the limit may change: it is read at every accept.
    Object.defineProperty(this.#server, 'maxConnections', { get: () => accepting.openMax });
    this.#server.on('drop', () => accepting.refused());
  }

  /** Resolves to where it listens, once it does. */
  listen(host: string, port: number, backlog: number): Promise<ListensAt> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', error => reject(new ListenError(listenMistake(error, host, port))));
      this.#server.listen({ host, port, backlog }, () => {
        this.#server.removeAllListeners('error');
        // A failed accept (no descriptor, no memory) must not end the server.
        this.#server.on('error', () => {});
        const address = this.#server.address();
        if (this.#isClosing) this.#server.close();
        resolve(typeof address === 'object' && address !== null ? address : { address: host, port });
      });
    });
  }

  /** Closes the listener, even before it listens. */
  close(): void {
    this.#isClosing = true;
    this.#server.close();
  }
}

/** One line that says what is wrong, and what would be right. */
export function listenMistake(
  error: Pick<NodeJS.ErrnoException, 'code' | 'message'>,
  host: string,
  port: number,
  flags = { host: '--host', port: '--port' },
): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `port ${port} on ${host} is in use; stop what listens there, or take another with ${flags.port} (0 takes a free one)`;
    case 'EACCES':
      return `port ${port} needs privileges this process does not have; take one above 1023 with ${flags.port}`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${host} is not an address of this machine; take 127.0.0.1, ::1 or 0.0.0.0 with ${flags.host}`;
    default:
      return `can't listen on ${host}:${port}: ${error.message}`;
  }
}

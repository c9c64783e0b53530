/**
 * The listening sockets: on addresses, on a Unix socket, or handed over by systemd; plain or TLS, behind a balancer or not.
 */
import { type AddressInfo, createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import { CloseQueue } from './close-queue.ts';
import { PlainTransport, type Read, readDocumented, readInto } from './plain-transport.ts';
import type { readProxyHeader } from './proxy-header.ts';
import type { Transport } from './transport.ts';

/** The default of the oldest supported Node; fixed here, because the limit on unread replies depends on it. */
const STREAM_BYTES = 16_384;

/** The server can't listen on the address: exit code 1. */
export class ListenError extends Error {}

/** Where a server is to listen. */
export type Address = (
  | { is: 'tcp'; host: string; port: number }
  | { is: 'unix'; path: string; mode: number }
  | { is: 'descriptor'; fd: number }
) & {
  isTls: boolean;
  /** Behind a balancer that says whose connection it is (proxy-header.ts). */
  isProxied: boolean;
};

/** Where a server listens: the address and the port that it really has; of a Unix socket the path, and port 0. */
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

/** Makes transports through TLS; its one implementation, in tls-acceptor.ts, is loaded only where it is used. */
export interface Securing {
  transport(socket: Socket, address: string, closeQueue: CloseQueue): Transport;
}

export class Listener {
  readonly #accepting: Accepting;
  readonly #limits: { readonly keepaliveMs: number };
  readonly #read: Read;
  readonly #tls: Securing | undefined;
  readonly #servers: Server[] = [];
  readonly #closeQueue = new CloseQueue();
  #isClosing = false;

  constructor(
    accepting: Accepting,
    limits: { readonly keepaliveMs: number },
    read: Read = readInto,
    tls?: Securing,
  ) {
    this.#accepting = accepting;
    this.#limits = limits;
    this.#tls = tls;
    this.#read = read;
  }

  /** Resolves to where it listens, once it does. Rejects with a `ListenError`. */
  async listen(address: Address, backlog: number): Promise<ListensAt> {
    const server = this.add(address, address.isProxied ? await import('./proxy-header.ts') : undefined);
    const unix = address.is === 'unix' ? await import('./unix-socket.ts') : undefined;
    if (address.is === 'unix') await unix?.removeStale(address.path);
    return new Promise((resolve, reject) => {
      server.once('error', error => reject(new ListenError(listenMistake(error, address))));
      const listening = () => {
        if (address.is === 'unix') unix?.setMode(address.path, address.mode);
        server.removeAllListeners('error');
        // A failed accept (no descriptor, no memory) must not end the server.
        server.on('error', () => {});
        if (this.#isClosing) server.close();
        const at = server.address();
        resolve(typeof at === 'object' && at !== null ? at : { address: String(at), port: 0 });
      };
      const bind = () => server.listen({ ...optionsOf(address), backlog }, listening);
      if (unix === undefined) bind();
      else unix.withMask(bind);
    });
  }

  /** Closes the listeners, even before they listen. */
  close(): void {
    this.#isClosing = true;
    for (const server of this.#servers) server.close();
  }

  /** Makes the server of an address, which does not listen yet. `proxy` reads the headers of its balancer. */
  add({ isTls }: Address, proxy?: { readProxyHeader: typeof readProxyHeader }): Server {
    // Half-open: a client that has shut down its sending side still gets its replies. No delay: replies leave in one
    // write, which should not wait for the acknowledgement of the last. Paused: until the transport reads.
    const options = { allowHalfOpen: true, noDelay: true, pauseOnConnect: true, highWaterMark: STREAM_BYTES };
    const accepting = this.#accepting;
    const server = createServer(options, socket => {
      // The system keeps whole seconds. It is set on the handle, which a new socket may take over.
      const seconds = Math.ceil(this.#limits.keepaliveMs / 1_000);
      if (seconds > 0) socket.setKeepAlive(true, seconds * 1_000);
      if (proxy === undefined) this.#accept(socket, isTls, this.#read);
      // What is behind the header was read by the stream.
      else proxy.readProxyHeader(socket, address => this.#accept(socket, isTls, readDocumented, address));
    });
    // A getter, because the limit may change: it is read at every accept.
    Object.defineProperty(server, 'maxConnections', { get: () => accepting.openMax });
    this.#servers.push(server);
    return server.on('drop', () => accepting.refused());
  }

  #accept(socket: Socket, isTls: boolean, read: Read, address = socket.remoteAddress ?? ''): void {
    const transport = isTls
      ? this.#tls!.transport(socket, address, this.#closeQueue)
      : new PlainTransport(socket, this.#closeQueue, read, address);
    this.#accepting.accept(transport);
  }
}

function optionsOf(address: Address): ListenOptions & { fd?: number } {
  switch (address.is) {
    case 'tcp':
      return { host: address.host, port: address.port };
    case 'unix':
      return { path: address.path };
    case 'descriptor':
      return { fd: address.fd };
  }
}

type ListenFailure = Pick<NodeJS.ErrnoException, 'code' | 'message'>;

/** One line that says what is wrong, and what would be right. */
function listenMistake(error: ListenFailure, address: Address): string {
  if (address.is === 'tcp') return addressMistake(error, address.host, address.port);
  if (address.is === 'descriptor')
    return `can't listen on descriptor ${address.fd}, which is to be a socket of systemd: ${error.message}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return `${address.path} is in use: another server listens there, or it is no socket; take another with --socket`;
    case 'EACCES':
      return `${address.path} can't be made: this process may not write there`;
    default:
      return `can't listen on ${address.path}: ${error.message}`;
  }
}

/** The same for an address of TCP, given by these flags. */
export function addressMistake(
  error: ListenFailure,
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

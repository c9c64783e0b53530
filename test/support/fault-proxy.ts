/**
 * A TCP proxy between clients and a server that behaves as badly as networks do (see fault-pipe.ts for how), on a
 * free port of the loopback. Each connection has faults of its own, in each direction.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomFrom } from '../../src/tools/load/random.ts';
import { type Cuttable, FaultPipe, type Faults } from './fault-pipe.ts';

const RESET_MS_MAX = 200;
const STOP_MS_MAX = 2_000;

export interface Course {
  toServer?: Faults;
  toClient?: Faults;
}

export class FaultProxy {
  readonly port: number;
  /** Those that are open. */
  readonly connections = new Set<FaultyConnection>();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  /** `courseOf` is asked once for each connection, with how many there were before. */
  static start(serverPort: number, seed: number, courseOf: (before: number) => Course): Promise<FaultProxy> {
    const random = randomFrom(seed);
    let before = 0;
    let proxy: FaultProxy | undefined;
    const server = createServer({ allowHalfOpen: true, noDelay: true }, client => {
      const connection = new FaultyConnection(client, serverPort, courseOf(before++), random);
      proxy!.connections.add(connection);
      void connection.closed.then(() => proxy!.connections.delete(connection));
    });
    return new Promise(resolve => {
      server.listen(0, '127.0.0.1', () => {
        proxy = new FaultProxy(server);
        resolve(proxy);
      });
    });
  }

  /** Resets all connections, now. */
  reset(): void {
    for (const connection of this.connections) connection.reset();
  }

  /** Closes all connections in an orderly way, now. */
  close(): void {
    for (const connection of this.connections) connection.close();
  }

  async stop(): Promise<void> {
    this.#server.close();
    const closed = [...this.connections].map(connection => connection.closed);
    this.reset();
    await Promise.race([Promise.all(closed), sleep(STOP_MS_MAX, undefined, { ref: false })]);
  }
}

class FaultyConnection implements Cuttable {
  /** Resolves when both sides are closed. */
  readonly closed: Promise<void>;
  toServer: FaultPipe | undefined;
  toClient: FaultPipe | undefined;
  readonly #client: Socket;
  readonly #server: Socket;

  constructor(client: Socket, serverPort: number, course: Course, random: () => number) {
    const server = connect({ port: serverPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    this.#client = client;
    this.#server = server;
    // What happens to one side by force happens to the other.
    client.on('error', () => forceReset(server));
    server.on('error', () => forceReset(client));
    this.closed = Promise.all(
      [client, server].map(socket => new Promise<void>(resolve => socket.on('close', () => resolve()))),
    ).then(() => {});
    server.once('connect', () => {
      this.toServer = new FaultPipe(client, server, course.toServer ?? {}, random, this);
      this.toClient = new FaultPipe(server, client, course.toClient ?? {}, random, this);
    });
  }

  reset(): void {
    forceReset(this.#client);
    forceReset(this.#server);
  }

  close(): void {
    this.#client.destroySoon();
    this.#server.destroySoon();
  }

  /** The server is gone, and the client is not told: what it sends goes nowhere, and nothing ever comes. */
  dropServer(): void {
    this.#server.destroy();
  }
}

/** Node resets a socket when all that was written has gone; and one that was ended it may never close. */
function forceReset(socket: Socket): void {
  if (socket.writableEnded) {
    socket.destroy();
    return;
  }
  socket.resetAndDestroy();
  setTimeout(() => socket.destroy(), RESET_MS_MAX).unref();
}

/** A server and the connections that a witness opens to it. They keep little, and are closed together. */
import { connect, type Socket } from 'node:net';
import { quoteIfNeeded } from '../../../src/cli/terminal/quoting.ts';
import { Client } from '../../../src/tools/harness/client.ts';
import type { Server } from '../../../src/tools/harness/server.ts';

const CONNECT_MS_MAX = 5_000;
/** Several times what the replies to all that a witness sends have. */
const UNREAD_BYTES_MAX = 1 << 20;

export class Scene {
  readonly server: Server;
  readonly #sockets = new Set<Socket>();
  #isClosed = false;

  constructor(server: Server) {
    this.server = server;
  }

  /** A server that sends without end loses the connection: nothing that it sends piles up. */
  async open(): Promise<Client> {
    const client = await Client.open(this.server.port, this.server.host, CONNECT_MS_MAX);
    this.#keep(client.socket);
    client.socket.on('data', () => {
      if (client.received.length > UNREAD_BYTES_MAX)
        client.socket.destroy(new Error('it sends far more than it was asked for'));
    });
    return client;
  }

  openAll(count: number): Promise<Client[]> {
    return Promise.all(Array.from({ length: count }, () => this.open()));
  }

  /** A connection that nobody reads yet. What goes wrong with it ends it. */
  connect(): Socket {
    const socket = connect({ host: this.server.host, port: this.server.port }).on('error', () => {});
    this.#keep(socket);
    return socket;
  }

  close(): void {
    this.#isClosed = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    if (this.#isClosed) socket.destroy();
  }
}

/** Whether an event was taken. Spaces and the like are the matter of `tally check`. */
export function isTaken(reply: string): boolean {
  return /"(?:accepted|ok)"/.test(reply);
}

/** Undefined if the reply holds no balance. */
export function balanceIn(reply: string): number | undefined {
  const match = /"balance":\s*(-?\d{1,16})\s*[,}]/.exec(reply);
  return match === null ? undefined : Number(match[1]);
}

/** A reply as it can be shown. */
export function shown(reply: string): string {
  return reply === '' ? 'an empty line' : quoteIfNeeded(reply);
}

/**
 * A transport on a plain TCP socket of node:net.
 *
 * All sockets read into one buffer, and each read is served before the next. A stream allocates 64 KiB for every
 * read; under a flood this garbage caused twelve full collections a second, of 4 ms each, which delayed every client.
 * Node can read into the caller's memory (`onread`), but only for a socket that the caller creates. So a new socket
 * takes over the handle of the accepted one. This needs three undocumented properties (`_handle` and `_server` of a
 * socket, and the option `handle`). If they are not as expected, the fallback is the documented way: the chunks of
 * the stream are copied into the buffer.
 */
import { Socket, type SocketConstructorOpts } from 'node:net';
import type { CloseQueue } from './close-queue.ts';
import type { Receiver, Transport } from './transport.ts';

interface TakeOverOptions extends SocketConstructorOpts {
  handle: unknown;
  writableHighWaterMark: number;
  onread: { buffer: () => Uint8Array; callback: (bytes: number) => boolean };
}

interface Inner extends Socket {
  _handle: unknown;
  /** The server that counts its connections. */
  _server: unknown;
}

/** Starts to read an accepted, paused socket; returns the socket to use from then on. */
export type Read = (accepted: Socket, receiver: Receiver) => Socket;

export class PlainTransport implements Transport {
  readonly address: string;
  readonly #accepted: Socket;
  readonly #closeQueue: CloseQueue;
  readonly #read: Read;
  #socket: Socket;
  #destroyNow: () => void = () => {};

  /** `accepted` must be paused (`pauseOnConnect`); `address` is its peer's. */
  constructor(
    accepted: Socket,
    closeQueue: CloseQueue,
    read: Read = readInto,
    address = accepted.remoteAddress ?? '',
  ) {
    this.address = address;
    this.#accepted = accepted;
    this.#closeQueue = closeQueue;
    this.#read = read;
    this.#socket = accepted;
  }

  open(receiver: Receiver): void {
    receiver.opened([]);
    const socket = this.#read(this.#accepted, receiver);
    this.#socket = socket;
    this.#destroyNow = this.#closeQueue.spread(socket);
    socket.on('drain', () => receiver.drained());
    // A reset with unread input is also reported as an end, but then the peer's address is gone.
    socket.on('end', () => receiver.inputEnded(socket.remoteAddress === undefined));
    // A reset, or a write to a client that has left: `close` follows and cleans up.
    socket.on('error', () => {});
    socket.on('close', () => receiver.closed());
  }

  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  close(): void {
    this.#socket.destroy();
  }

  destroy(): void {
    this.#destroyNow();
  }
}

/** Reads into the receiver's memory, in the best way that this Node allows. */
export function readInto(accepted: Socket, receiver: Receiver): Socket {
  return takeOver(accepted as Partial<Inner> & Socket, receiver) ?? readDocumented(accepted, receiver);
}

/** The new socket stops reading at once when paused, and buffers nothing. Undefined if this Node works differently. */
function takeOver(accepted: Partial<Inner> & Socket, receiver: Receiver): Socket | undefined {
  const { _handle: handle, _server: server, writableHighWaterMark } = accepted;
  if (typeof handle !== 'object' || handle === null || typeof server !== 'object') return undefined;
  const callback = (bytes: number) => {
    receiver.received(bytes);
    return true;
  };
  const options: TakeOverOptions = {
    handle,
    writableHighWaterMark,
    allowHalfOpen: true,
    readable: true,
    writable: true,
    onread: { buffer: () => receiver.nextRead, callback },
  };
  const socket = new Socket(options) as Inner;
  if (socket._handle !== handle) return undefined;
  // So that the old socket neither closes the handle nor is counted as closed.
  Object.assign(accepted, { _handle: null, _server: null });
  return Object.assign(socket, { _server: server });
}

/** Reads the chunks of the stream, and copies them into the receiver's memory. */
export function readDocumented(socket: Socket, receiver: Receiver): Socket {
  socket.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; ) {
      // The receiver paused within a chunk: the stream keeps the remaining bytes.
      if (socket.isPaused()) return socket.unshift(chunk.subarray(at));
      const bytes = chunk.copy(receiver.nextRead, 0, at);
      at += bytes;
      receiver.received(bytes);
      if (socket.destroyed) return;
    }
  });
  return socket.resume();
}

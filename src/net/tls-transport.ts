/**
 * A transport through TLS. The connection is accepted, counted and limited like any other; only then it shakes hands, and
 * only when the client has sent something: one that says nothing costs no more than a socket.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { namesOf } from './certificate-names.ts';
import type { CloseQueue } from './close-queue.ts';
import type { Handshake, Handshakes } from './handshakes.ts';
import { readDocumented } from './plain-transport.ts';
import type { Receiver, Transport } from './transport.ts';

/** Shakes hands; its one implementation is in tls-acceptor.ts. */
export interface Shaking {
  readonly handshakes: Handshakes;
  /** Returns a function that forgets the connection. */
  begin(socket: Socket, onSecure: (secure: TLSSocket) => void): () => void;
}

export class TlsTransport implements Transport {
  readonly address: string;
  readonly #accepted: Socket;
  readonly #acceptor: Shaking;
  readonly #closeQueue: CloseQueue;
  /** Once hands are shaken. */
  #secure: TLSSocket | undefined;
  #destroyNow: () => void;
  #isPaused = false;
  #forget: () => void = () => {};

  /** `accepted` must be paused; what was read of it already must be in it again. */
  constructor(accepted: Socket, address: string, acceptor: Shaking, closeQueue: CloseQueue) {
    this.address = address;
    this.#accepted = accepted;
    this.#acceptor = acceptor;
    this.#closeQueue = closeQueue;
    this.#destroyNow = closeQueue.spread(accepted);
  }

  open(receiver: Receiver): void {
    const socket = this.#accepted;
    const { handshakes } = this.#acceptor;
    const handshake: Handshake = {
      begin: () => {
        if (!socket.destroyed)
          this.#forget = this.#acceptor.begin(socket, secure => {
            handshakes.remove(handshake);
            this.#opened(secure, receiver);
          });
      },
      giveUp: () => this.close(),
    };
    socket.on('error', () => {});
    socket.once('close', () => {
      handshakes.remove(handshake);
      this.#forget();
      if (this.#secure === undefined) receiver.closed();
    });
    // This reads the first bytes, which stay in the socket.
    socket.once('readable', () => {
      // Without any, the client has ended before it began.
      if (socket.readableLength === 0) socket.destroy();
      else handshakes.add(handshake);
    });
  }

  #opened(secure: TLSSocket, receiver: Receiver): void {
    this.#forget();
    this.#secure = secure;
    this.#destroyNow = this.#closeQueue.spread(secure);
    secure.on('error', () => {});
    secure.on('close', () => receiver.closed());
    secure.on('drain', () => receiver.drained());
    secure.on('end', () => receiver.inputEnded(false));
    receiver.opened(namesOf(secure));
    if (secure.destroyed) return;
    readDocumented(secure, receiver);
    if (this.#isPaused) secure.pause();
  }

  get unsentBytes(): number {
    return this.#secure?.writableLength ?? 0;
  }

  /** Before hands are shaken nothing can be said. */
  write(bytes: Uint8Array): void {
    this.#secure?.write(bytes);
  }

  pause(): void {
    this.#isPaused = true;
    this.#secure?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#secure?.resume();
  }

  end(): void {
    if (this.#secure === undefined) this.#accepted.destroy();
    else this.#secure.end();
  }

  close(): void {
    (this.#secure ?? this.#accepted).destroy();
  }

  destroy(): void {
    this.#destroyNow();
  }
}

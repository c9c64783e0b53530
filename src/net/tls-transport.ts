/**
 * A transport through TLS. The connection is accepted, counted and limited like any other; only then it shakes hands, and
 * only when the client has sent something: one that says nothing costs no more than a socket.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { namesOf } from './certificate-names.ts';
import type { CloseQueue } from './close-queue.ts';
import { GIVEN_UP, LATE } from './handshake-failure.ts';
import type { Handshake, Handshakes } from './handshakes.ts';
import { readDocumented } from './plain-transport.ts';
import type { Receiver, Transport } from './transport.ts';

/** Shakes hands; its one implementation is in tls-acceptor.ts. */
export interface Shaking {
  readonly handshakes: Handshakes;
  /** Returns a function that forgets the connection. */
  begin(
    socket: Socket,
    onSecure: (secure: TLSSocket) => void,
    onFailed: (reason: string) => void,
  ): () => void;
  failed(address: string, reason: string, isClosed: boolean): void;
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
  /** The client has begun, and it is not known how that ends. */
  #isShaking = false;
  /** To be said after the handshake; then the connection ends. */
  #last: Uint8Array | undefined;
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
          this.#forget = this.#acceptor.begin(
            socket,
            secure => {
              handshakes.remove(handshake);
              this.#opened(secure, receiver);
            },
            reason => this.#failed(reason),
          );
      },
      giveUp: () => {
        this.#failed(GIVEN_UP);
        this.close();
      },
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
      else {
        this.#isShaking = true;
        handshakes.add(handshake);
      }
    });
  }

  #opened(secure: TLSSocket, receiver: Receiver): void {
    this.#forget();
    this.#isShaking = false;
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
    if (this.#last !== undefined) secure.end(this.#last);
  }

  #failed(reason: string, isClosed = false): void {
    if (!this.#isShaking) return;
    this.#isShaking = false;
    this.#acceptor.failed(this.address, reason, isClosed);
  }

  get unsentBytes(): number {
    return this.#secure?.writableLength ?? 0;
  }

  /** Before hands are shaken nothing can be said but a last reply. */
  write(bytes: Uint8Array): void {
    if (this.#secure === undefined) this.#last = bytes;
    else this.#secure.write(bytes);
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
    if (this.#secure !== undefined) this.#secure.end();
    else if (this.#last === undefined) {
      this.#isShaking = false;
      this.#accepted.destroy();
    }
  }

  close(): void {
    this.#failed(LATE, true);
    (this.#secure ?? this.#accepted).destroy();
  }

  destroy(): void {
    this.#isShaking = false;
    this.#destroyNow();
  }
}

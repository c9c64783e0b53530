/**
 * A stream that stands for a socket after `readInto` (src/net/plain-transport.ts): what comes is read into a buffer, a read
 * after the other, and only while it is not paused. (Ending, writing and draining are Node's own; only the system's
 * part is missing.) Imports nothing of the server.
 */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { Receiver } from '../../src/net/transport.ts';

export class HandReading extends Duplex {
  /** Bytes that the server has received. */
  arrivedBytes = 0;
  /** Under way, and not read by the server yet; null is the end. */
  readonly #coming: (Buffer | null)[] = [];
  #bufferOf: () => Uint8Array = () => new Uint8Array();
  #buffer: Uint8Array = new Uint8Array();
  #receive: (bytes: number) => void = () => {};
  #isReading = false;
  /** It reads from the next turn on. */
  #start: NodeJS.Immediate | undefined;

  /** In the place of the function of that name. */
  readInto(bufferOf: () => Uint8Array, receive: (bytes: number) => void): this {
    this.#bufferOf = bufferOf;
    this.#buffer = bufferOf();
    this.#receive = receive;
    this.#startReading();
    return this;
  }

  /** Something comes: at once if the server reads. It may come in several reads, but what comes next is another. */
  comes(bytes: Buffer | null): void {
    if (bytes?.length === 0) return;
    this.#coming.push(bytes);
    this.#bring();
  }

  /** The server has received all that came. */
  get isAllThere(): boolean {
    return this.#coming.length === 0;
  }

  override pause(): this {
    clearImmediate(this.#start);
    this.#start = undefined;
    this.#isReading = false;
    return super.pause();
  }

  override resume(): this {
    this.#startReading();
    return super.resume();
  }

  /** Nothing is filed, so nobody has to ask for more. */
  override _read(): void {}

  #startReading(): void {
    if (this.#isReading || this.#buffer.length === 0) return;
    // As a real one: what is there by now comes later.
    this.#start ??= setImmediate(() => {
      this.#start = undefined;
      this.#isReading = true;
      this.#bring();
    });
  }

  #bring(): void {
    while (this.#isReading && !this.destroyed && this.#coming.length > 0) {
      const next = this.#coming.shift()!;
      if (next === null) {
        // As net does at the end.
        this.push(null);
        this.read(0);
        continue;
      }
      const chunk = next.subarray(0, this.#buffer.length);
      if (chunk.length < next.length) this.#coming.unshift(next.subarray(chunk.length));
      this.#buffer.set(chunk);
      this.arrivedBytes += chunk.length;
      this.#receive(chunk.length);
      this.#buffer = this.#bufferOf();
    }
  }
}

/** Stands in for the function of src/net/plain-transport.ts; what was accepted must be such a stream. */
export function readByHand(accepted: Socket, receiver: Pick<Receiver, 'nextRead' | 'received'>): Socket {
  const stream = accepted as unknown as HandReading;
  return stream.readInto(
    () => receiver.nextRead,
    bytes => receiver.received(bytes),
  ) as unknown as Socket;
}

/**
 * One direction of a connection through the fault proxy: what comes out of one socket goes into the other, later,
 * slower, in smaller pieces, or not to the end.
 *
 * What waits to be passed on is bounded, and the sender is not read from meanwhile, so a slow pipe pushes back as a
 * slow network does. Bytes never change places.
 */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * All may be combined. Delays are at least what they say; a busy process may add to them. What changes in here while the
 * connection is open holds for what is read, and passed on, from then on.
 */
export interface Faults {
  /** Nothing is passed on, not even the end, until this is no longer so: then all of it is. */
  isHeld?: boolean;
  /** Each piece that is read arrives so much later, and up to `jitterMs` more, drawn anew for each. */
  latencyMs?: number;
  jitterMs?: number;
  bytesPerS?: number;
  /** The largest piece that is written, and the pause behind each. */
  sliceBytes?: number;
  sliceMs?: number;
  /** The end of this direction is passed on so much later. */
  slowCloseMs?: number;
  /** After so many bytes both sides are reset, and nothing more is passed on. */
  resetAfterBytes?: number;
  /** After so many bytes both sides are closed in an orderly way. */
  closeAfterBytes?: number;
  /** After so many bytes the receiver hears the end of this direction; the other one goes on. */
  halfCloseAfterBytes?: number;
}

/** The connection a pipe belongs to. */
export interface Cuttable {
  reset(): void;
  close(): void;
}

const WAITING_BYTES_MAX = 65_536;
/** With a limited rate, a piece takes about so long, so that bytes trickle and do not come in gulps. */
const PIECE_MS = 10;
const HELD_LOOK_MS = 5;

interface Waiting {
  /** Undefined: the end. */
  chunk: Buffer | undefined;
  dueMs: number;
}

export class FaultPipe {
  /** Handed to the receiver's socket. */
  passedBytes = 0;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #faults: Faults;
  readonly #random: () => number;
  readonly #connection: Cuttable;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #wake: () => void = () => {};
  /** When the last piece had been transmitted, at the limited rate. */
  #freeAtMs = 0;
  #lastDueMs = 0;
  #isCut = false;
  #isReset = false;

  constructor(from: Socket, to: Socket, faults: Faults, random: () => number, connection: Cuttable) {
    this.#from = from;
    this.#to = to;
    this.#faults = faults;
    this.#random = random;
    this.#connection = connection;
    from.on('data', chunk => this.#receive(chunk as Buffer));
    from.on('end', () => {
      // A reset that finds input unread is reported as an end, but it leaves no peer. Nor do two ends.
      this.#isReset = !from.writableEnded && from.remoteAddress === undefined;
      this.#add(undefined);
    });
    from.on('close', () => this.#wake());
    void this.#run();
  }

  #receive(chunk: Buffer): void {
    if (this.#isCut) return;
    this.#add(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes >= WAITING_BYTES_MAX) this.#from.pause();
  }

  #add(chunk: Buffer | undefined): void {
    const { latencyMs = 0, jitterMs = 0 } = this.#faults;
    // Never before what came before it.
    this.#lastDueMs = Math.max(
      this.#lastDueMs,
      performance.now() + latencyMs + (chunk === undefined ? 0 : jitterMs * this.#random()),
    );
    this.#waiting.push({ chunk, dueMs: this.#lastDueMs });
    this.#wake();
  }

  async #run(): Promise<void> {
    while (!this.#isCut && !this.#to.destroyed) {
      const next = this.#waiting.shift();
      if (next === undefined) {
        if (this.#from.destroyed) return;
        await new Promise<void>(resolve => {
          this.#wake = resolve;
        });
        continue;
      }
      await untilMs(next.dueMs);
      while (this.#faults.isHeld === true && !this.#isCut && !this.#to.destroyed) await sleep(HELD_LOOK_MS);
      if (next.chunk === undefined) {
        if (this.#faults.slowCloseMs !== undefined) await sleep(this.#faults.slowCloseMs);
        if (this.#isReset) this.#connection.reset();
        else this.#to.end();
        return;
      }
      await this.#pass(next.chunk);
      this.#waitingBytes -= next.chunk.length;
      if (this.#waitingBytes < WAITING_BYTES_MAX) this.#from.resume();
    }
  }

  async #pass(chunk: Buffer): Promise<void> {
    const { bytesPerS, sliceBytes, sliceMs, resetAfterBytes, closeAfterBytes, halfCloseAfterBytes } =
      this.#faults;
    const passedMax = Math.min(
      ...[resetAfterBytes, closeAfterBytes, halfCloseAfterBytes].map(bytes => bytes ?? Infinity),
    );
    const pieceBytes =
      bytesPerS === undefined ? Infinity : Math.max(1, Math.floor((bytesPerS * PIECE_MS) / 1_000));
    for (let at = 0; at < chunk.length && !this.#to.destroyed; ) {
      const bytes = Math.min(sliceBytes ?? Infinity, pieceBytes, passedMax - this.passedBytes);
      const piece = chunk.subarray(at, Math.min(chunk.length, at + bytes));
      if (bytesPerS !== undefined) {
        this.#freeAtMs = Math.max(performance.now(), this.#freeAtMs) + (piece.length / bytesPerS) * 1_000;
        await untilMs(this.#freeAtMs);
      }
      await new Promise<void>(resolve => this.#to.write(piece, () => resolve()));
      this.passedBytes += piece.length;
      at += piece.length;
      if (this.passedBytes >= passedMax) return this.#cut();
      if (sliceMs !== undefined) await sleep(sliceMs);
    }
  }

  /** What still comes is read and dropped. */
  #cut(): void {
    this.#isCut = true;
    this.#waiting = [];
    this.#from.resume();
    const { resetAfterBytes, closeAfterBytes } = this.#faults;
    if (this.passedBytes === resetAfterBytes) this.#connection.reset();
    else if (this.passedBytes === closeAfterBytes) this.#connection.close();
    else this.#to.end();
  }
}

/** A timer may fire a little early by this clock. */
async function untilMs(dueMs: number): Promise<void> {
  for (let leftMs = dueMs - performance.now(); leftMs > 0; leftMs = dueMs - performance.now())
    await sleep(Math.ceil(leftMs));
}

/**
 * The replies of one client on their way out, in the order of the requests.
 *
 * `send(bytes, after?)` adds replies, which may leave when the commit `after` is reached, `sendBalance` one that is the
 * balance at a position; `flush` writes all that
 * may leave. Most replies leave when they are made. Two kinds wait: replies behind a position that is not reached yet
 * are *pending*, and replies to large input are *kept* until the end of the turn (see scheduler.ts).
 */
import type { Commit, Position } from '../engine/position.ts';
import type { Transport } from '../net/transport.ts';
import { PendingReplies } from './pending-replies.ts';
import { type Scheduler, SMALL_BYTES } from './scheduler.ts';

/** The session, as its queue sees it. */
export interface Owner {
  /** Replies that had to wait have left: there may be room for more. */
  advance(): void;
}

export class ReplyQueue {
  readonly #transport: Transport;
  readonly #scheduler: Scheduler;
  readonly #limits: { readonly unsentBytesMax: number };
  readonly #owner: Owner;
  /** Passed to `send`, and not flushed. */
  #ready: Buffer | undefined;
  #pending: PendingReplies | undefined;
  #kept: Buffer | undefined;
  #isClosed = false;
  /** What the client has written so far (see `Commit.writes`). */
  writes: Float64Array | undefined;
  /** Transfers that were not decided when this was last looked at, the oldest first. */
  readonly #transfers: Position[] = [];

  constructor(
    transport: Transport,
    scheduler: Scheduler,
    limits: { readonly unsentBytesMax: number },
    owner: Owner,
  ) {
    this.#transport = transport;
    this.#scheduler = scheduler;
    this.#limits = limits;
    this.#owner = owner;
  }

  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  /** The client has too many unread replies: none are made until it reads. */
  get isFull(): boolean {
    return this.roomBytes <= 0;
  }

  get roomBytes(): number {
    return this.#limits.unsentBytesMax - this.#bytes;
  }

  /** A reply is waiting for a worker. */
  get isWaiting(): boolean {
    return this.#pending !== undefined && !this.#pending.isEmpty;
  }

  /** Adds lines that may leave after all earlier ones, and not before the commit is reached. */
  send(bytes: Buffer, after?: Commit): void {
    if (after === undefined && !this.isWaiting && this.#ready === undefined) this.#ready = bytes;
    else this.#waiting.push(bytes, after);
  }

  wrote(writes: Float64Array): void {
    this.writes ??= new Float64Array(writes.length);
    for (const [partition, block] of writes.entries()) if (block > 0) this.writes[partition] = block;
  }

  /** Adds the balance at a position; `isTransfer`: of a transfer, which changes another balance, too. */
  sendBalance(after: Position, isTransfer = false): void {
    this.#waiting.pushBalance(after);
    if (!isTransfer) return;
    this.#forgetDecided();
    this.#transfers.push(after);
  }

  /** A transfer is not decided yet: balances that it changes are not known. */
  get hasOpenTransfer(): boolean {
    this.#forgetDecided();
    return this.#transfers.length > 0;
  }

  #forgetDecided(): void {
    while (this.#transfers[0]?.isReached === true) this.#transfers.shift();
  }

  get #waiting(): PendingReplies {
    this.#pending ??= new PendingReplies(() => this.#onReached());
    return this.#pending;
  }

  /** Writes all that may leave, or keeps it for the end of the turn if it answers more input than `smallBytes`. */
  flush(inputBytes = 0, smallBytes = SMALL_BYTES): void {
    const lines = this.#takeReady();
    if (lines === undefined || this.#isClosed) return;
    this.writeKept();
    if (inputBytes > smallBytes) {
      this.#kept = lines;
      this.#scheduler.sendLater(this);
    } else {
      this.#transport.write(lines);
    }
  }

  /** Called at the end of the turn. */
  sendKept(): void {
    const wasFull = this.isFull;
    this.writeKept();
    if (wasFull) this.#owner.advance();
  }

  /** Writes at once the replies kept for the end of the turn. */
  writeKept(): void {
    if (this.#kept === undefined) return;
    const lines = this.#kept;
    this.#kept = undefined;
    this.#transport.write(lines);
  }

  close(): void {
    this.#isClosed = true;
    this.#kept = undefined;
  }

  /** The bytes of all replies that have not gone to the system. */
  get #bytes(): number {
    return (
      this.#transport.unsentBytes +
      (this.#ready?.length ?? 0) +
      (this.#pending?.bytes ?? 0) +
      (this.#kept?.length ?? 0)
    );
  }

  #takeReady(): Buffer | undefined {
    const ready = this.#ready;
    this.#ready = undefined;
    if (!this.isWaiting) return ready;
    const released = this.#pending!.take();
    if (ready === undefined) return released;
    return released === undefined ? ready : Buffer.concat([ready, released]);
  }

  #onReached(): void {
    if (this.#isClosed) return;
    this.flush();
    this.#owner.advance();
  }
}

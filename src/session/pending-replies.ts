/**
 * The replies of one client that may not leave yet: the first depends on a position that its worker has not reached,
 * and the others wait behind it, because replies leave in the order of the requests.
 */
import type { Position, Waiter } from '../engine/position.ts';
import { balanceLine, Reply, replyLine } from '../protocol/replies.ts';

/** The assumed size of a reply that is not known yet, for the limit on unread replies. */
const UNKNOWN_BYTES = 64;

/** Bytes that may leave when `after` is reached; without bytes, the reply is the balance at `after`. */
interface Pending {
  bytes: Buffer | undefined;
  after: Position | undefined;
}

export class PendingReplies implements Waiter {
  readonly #onReached: () => void;
  readonly #replies: Pending[] = [];
  #bytes = 0;
  #isTold = false;

  /** `onReached` is called in a microtask after a position was reached, once for all that were reached together. */
  constructor(onReached: () => void) {
    this.#onReached = onReached;
  }

  get isEmpty(): boolean {
    return this.#replies.length === 0;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(bytes: Buffer | undefined, after?: Position): void {
    this.#replies.push({ bytes, after });
    this.#bytes += bytes?.length ?? UNKNOWN_BYTES;
    if (after !== undefined) after.waiter = this;
  }

  /** The replies at the front that may leave; undefined if the first still waits. */
  take(): Buffer | undefined {
    const lines: Buffer[] = [];
    for (const { bytes, after } of this.#replies) {
      if (after !== undefined && !after.isReached) break;
      this.#bytes -= bytes?.length ?? UNKNOWN_BYTES;
      lines.push(bytes ?? balanceReply(after!.balance));
    }
    if (lines.length === 0) return undefined;
    this.#replies.splice(0, lines.length);
    return lines.length === 1 ? lines[0] : Buffer.concat(lines);
  }

  reached(): void {
    if (this.#isTold) return;
    this.#isTold = true;
    queueMicrotask(() => {
      this.#isTold = false;
      this.#onReached();
    });
  }
}

function balanceReply(balance: number): Buffer {
  // NaN: the event would have taken the balance out of its range, and was not applied.
  return Number.isNaN(balance)
    ? replyLine(Reply.balanceOverflow)
    : Buffer.from(balanceLine(balance), 'latin1');
}

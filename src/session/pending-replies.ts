/**
 * The replies of one client that may not leave yet: the first depends on a position that its worker has not reached,
 * and the others wait behind it, because replies leave in the order of the requests.
 */
import { outcomeOf } from '../engine/deciding.ts';
import type { Commit, Position, Waiter } from '../engine/position.ts';
import { Outcome } from '../protocol/outcome.ts';
import { balanceLine, replyLine } from '../protocol/replies.ts';

/** The assumed size of a reply that is not known yet, for the limit on unread replies. */
const UNKNOWN_BYTES = 64;

/** What may leave when something is reached: lines, or the balance at a position. */
type Pending = { bytes: Buffer; after: Commit | undefined } | { bytes: undefined; after: Position };

const NEWLINE = 0x0a;

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

  push(bytes: Buffer, after?: Commit): void {
    this.#replies.push({ bytes, after });
    this.#bytes += bytes.length;
    if (after !== undefined) after.waiter = this;
  }

  pushBalance(after: Position): void {
    this.#replies.push({ bytes: undefined, after });
    this.#bytes += UNKNOWN_BYTES;
    after.waiter = this;
  }

  /** The replies at the front that may leave; undefined if the first still waits. */
  take(): Buffer | undefined {
    const lines: Buffer[] = [];
    for (const { bytes, after } of this.#replies) {
      if (after !== undefined && !after.isReached) break;
      this.#bytes -= bytes?.length ?? UNKNOWN_BYTES;
      if (bytes === undefined) lines.push(balanceReply(after.balance));
      else lines.push(after?.changes === undefined ? bytes : changed(bytes, after.changes));
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
  const outcome = outcomeOf(balance);
  return outcome === Outcome.accepted ? Buffer.from(balanceLine(balance), 'latin1') : replyLine(outcome);
}

/** The lines, with other ones where an event was refused after all. */
function changed(bytes: Buffer, changes: ReadonlyMap<number, Outcome>): Buffer {
  const lines: Buffer[] = [];
  let line = 0;
  let from = 0;
  for (let at = 0; at < bytes.length; line++) {
    const end = bytes.indexOf(NEWLINE, at) + 1;
    const outcome = changes.get(line);
    if (outcome !== undefined) {
      lines.push(bytes.subarray(from, at), replyLine(outcome));
      from = end;
    }
    at = end;
  }
  lines.push(bytes.subarray(from));
  return Buffer.concat(lines);
}

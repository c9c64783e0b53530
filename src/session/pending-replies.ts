/**
 * The replies of one connection that can't be sent yet: one of them waits for a worker, and the others wait
 * behind it, because replies leave in the order of the requests.
 */
import type { Asker } from '../engine/lane.ts';
import { balanceLine, Reply, replyLine } from '../protocol/replies.ts';

/** What an answer that is still to come counts for in the limit of unread replies. */
const UNKNOWN_BYTES = 64;

/** The place of a reply whose answer is still to come. */
class Place implements Asker {
  line: Buffer | undefined;
  readonly #held: HeldReplies;

  constructor(held: HeldReplies) {
    this.#held = held;
  }

  answer(balance: number): void {
    this.line = Number.isNaN(balance)
      ? replyLine(Reply.balanceOverflow)
      : Buffer.from(balanceLine(balance), 'latin1');
    this.#held.answered();
  }
}

export class HeldReplies {
  readonly #onAnswer: () => void;
  #parts: (Buffer | Place)[] = [];
  #bytes = 0;
  #isTold = false;

  /** `onAnswer` is called soon after an answer came, once for all that came together. */
  constructor(onAnswer: () => void) {
    this.#onAnswer = onAnswer;
  }

  get isEmpty(): boolean {
    return this.#parts.length === 0;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(lines: Buffer): void {
    this.#parts.push(lines);
    this.#bytes += lines.length;
  }

  /** Keeps a place for an answer that is still to come. */
  hold(): Asker {
    const place = new Place(this);
    this.#parts.push(place);
    this.#bytes += UNKNOWN_BYTES;
    return place;
  }

  /** Gives up the place kept last: it turned out that there was nobody to ask. */
  unhold(): void {
    this.#parts.pop();
    this.#bytes -= UNKNOWN_BYTES;
  }

  /** The run of finished replies at the front; undefined if the first still waits. */
  take(): Buffer | undefined {
    const lines: Buffer[] = [];
    for (const part of this.#parts) {
      const line = part instanceof Place ? part.line : part;
      if (line === undefined) break;
      this.#bytes -= part instanceof Place ? UNKNOWN_BYTES : line.length;
      lines.push(line);
    }
    if (lines.length === 0) return undefined;
    this.#parts.splice(0, lines.length);
    return lines.length === 1 ? lines[0] : Buffer.concat(lines);
  }

  answered(): void {
    if (this.#isTold) return;
    this.#isTold = true;
    queueMicrotask(() => {
      this.#isTold = false;
      this.#onAnswer();
    });
  }
}

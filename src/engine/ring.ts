/**
 * The bounded ring between the socket thread and one worker: single producer, single consumer.
 *
 * Sequences run free in 32 bits and are compared by difference, `(a - b) | 0`, so they may wrap; a slot is
 * `sequence & mask`, and full and empty need no spare slot to be told apart. `tail` (next to write) is the
 * producer's word, `head` (next to read) the consumer's, on different cache lines. The producer keeps a copy of
 * the head and reads the real one only when the copy says full: the copy is stale in one direction only, it
 * can say full too early but never room too early.
 *
 * A slot is two words, so that the usual event takes as little as it can of what the two threads' caches pass to
 * one another: the user's index, and the amount. An event that somebody asked about, or whose amount is no 32-bit
 * number, has the top bit of the first word set, the ask in the second, and its amount beside the ring.
 *
 * May call: `Producer` the socket thread, `Consumer` its worker, and nobody else.
 */
import { type LaneMemory, SLOT_WORDS, Word } from './memory-layout.ts';

/** The top bit: the amount is beside the ring. */
const WIDE = 1 << 31;
const USER_MASK = ~WIDE;
// A name of its own: what is imported is looked up, and checked, whenever it is used.
const slotWords = SLOT_WORDS;

export class Producer {
  readonly capacity: number;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #slots: Int32Array<SharedArrayBuffer>;
  readonly #amounts: Float64Array<SharedArrayBuffer>;
  readonly #mask: number;
  #tail: number;
  #published: number;
  #headSeen: number;

  constructor(lane: LaneMemory) {
    this.#words = lane.words;
    this.#slots = lane.slots;
    this.#amounts = lane.amounts;
    this.capacity = lane.answers.length;
    this.#mask = this.capacity - 1;
    this.#tail = Atomics.load(lane.words, Word.tail);
    this.#published = this.#tail;
    this.#headSeen = Atomics.load(lane.words, Word.head);
  }

  /** The sequence that the next push gets. */
  get tail(): number {
    return this.#tail;
  }

  /** Slots written and not yet read, counting those not yet published. Never too low. */
  get depth(): number {
    this.#headSeen = Atomics.load(this.#words, Word.head);
    return (this.#tail - this.#headSeen) | 0;
  }

  /** As `depth`, from the copy of the head: may be too high, costs nothing. */
  get depthSeen(): number {
    return (this.#tail - this.#headSeen) | 0;
  }

  hasRoom(): boolean {
    return this.depthSeen < this.capacity || this.depth < this.capacity;
  }

  /**
   * Writes one slot, in constant time; false if the ring is full. The consumer sees it after `publish`.
   * An `ask` of 0: nobody wants the answer.
   */
  tryPush(user: number, ask: number, amount: number): boolean {
    if (!this.hasRoom()) return false;
    const slot = this.#tail & this.#mask;
    if (ask === 0 && (amount | 0) === amount) {
      this.#slots[slot * slotWords] = user;
      this.#slots[slot * slotWords + 1] = amount;
    } else {
      this.#slots[slot * slotWords] = user | WIDE;
      this.#slots[slot * slotWords + 1] = ask;
      this.#amounts[slot] = amount;
    }
    this.#tail = (this.#tail + 1) | 0;
    return true;
  }

  /** Whose event was pushed under a sequence, of the last `capacity` of them; read or not, the slot still says so. */
  userAt(sequence: number): number {
    return this.#slots[(sequence & this.#mask) * slotWords]! & USER_MASK;
  }

  /** Makes everything pushed so far visible; false if there was nothing new. */
  publish(): boolean {
    if (this.#published === this.#tail) return false;
    this.#published = this.#tail;
    // Publishes the slots: a consumer that loads this tail sees what was written before.
    Atomics.store(this.#words, Word.tail, this.#tail);
    return true;
  }
}

export class Consumer {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #slots: Int32Array<SharedArrayBuffer>;
  readonly #amounts: Float64Array<SharedArrayBuffer>;
  readonly #mask: number;
  #head: number;

  constructor(lane: LaneMemory) {
    this.#words = lane.words;
    this.#slots = lane.slots;
    this.#amounts = lane.amounts;
    this.#mask = lane.answers.length - 1;
    this.#head = Atomics.load(lane.words, Word.head);
  }

  get head(): number {
    return this.#head;
  }

  /** Slots that can be read now. Never too high; may be too low at once. */
  available(): number {
    return (Atomics.load(this.#words, Word.tail) - this.#head) | 0;
  }

  userAt(sequence: number): number {
    return this.#slots[(sequence & this.#mask) * slotWords]! & USER_MASK;
  }

  amountAt(sequence: number): number {
    const slot = sequence & this.#mask;
    const isWide = this.#slots[slot * slotWords]! < 0;
    return isWide ? this.#amounts[slot]! : this.#slots[slot * slotWords + 1]!;
  }

  askAt(sequence: number): number {
    const slot = sequence & this.#mask;
    return this.#slots[slot * slotWords]! < 0 ? this.#slots[slot * slotWords + 1]! : 0;
  }

  /** Gives back every slot below `head`; publishes whatever was written while reading them. */
  release(head: number): void {
    this.#head = head;
    Atomics.store(this.#words, Word.head, head);
  }
}

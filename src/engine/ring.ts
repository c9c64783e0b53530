/**
 * The bounded ring between the socket thread and one worker: single producer, single consumer.
 *
 * Sequences run free in 32 bits and are compared by difference, `(a - b) | 0`, so they may wrap; a slot is
 * `sequence & mask`, and full and empty need no spare slot to be told apart. `tail` (next to write) is the
 * producer's word, `head` (next to read) the consumer's, on different cache lines. The producer keeps a copy of
 * the head and reads the real one only when the copy says full: the copy is stale in one direction only, it
 * can say full too early but never room too early.
 *
 * May call: `Producer` the socket thread, `Consumer` its worker, and nobody else.
 */
import { type Lane, SLOT_FLOATS, SLOT_WORDS, Word } from './layout.ts';

export class Producer {
  readonly capacity: number;
  readonly #lane: Lane;
  readonly #mask: number;
  #tail: number;
  #published: number;
  #headSeen: number;

  constructor(lane: Lane) {
    this.#lane = lane;
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
    this.#headSeen = Atomics.load(this.#lane.words, Word.head);
    return (this.#tail - this.#headSeen) | 0;
  }

  /** As `depth`, from the copy of the head: may be too high, costs nothing. */
  get depthSeen(): number {
    return (this.#tail - this.#headSeen) | 0;
  }

  hasRoom(): boolean {
    return this.depthSeen < this.capacity || this.depth < this.capacity;
  }

  /** Writes one slot, in constant time; false if the ring is full. The consumer sees it after `publish`. */
  tryPush(user: number, ask: number, amount: number): boolean {
    if (!this.hasRoom()) return false;
    const slot = this.#tail & this.#mask;
    this.#lane.slotWords[slot * SLOT_WORDS] = user;
    this.#lane.slotWords[slot * SLOT_WORDS + 1] = ask;
    this.#lane.slotFloats[slot * SLOT_FLOATS + 1] = amount;
    this.#tail = (this.#tail + 1) | 0;
    return true;
  }

  /** Makes everything pushed so far visible; false if there was nothing new. */
  publish(): boolean {
    if (this.#published === this.#tail) return false;
    this.#published = this.#tail;
    // Publishes the slots: a consumer that loads this tail sees what was written before.
    Atomics.store(this.#lane.words, Word.tail, this.#tail);
    return true;
  }
}

export class Consumer {
  readonly #words: Int32Array<SharedArrayBuffer>;
  #head: number;

  constructor(lane: Lane) {
    this.#words = lane.words;
    this.#head = Atomics.load(lane.words, Word.head);
  }

  get head(): number {
    return this.#head;
  }

  /** Slots that can be read now. Never too high; may be too low at once. */
  available(): number {
    return (Atomics.load(this.#words, Word.tail) - this.#head) | 0;
  }

  /** Gives back every slot below `head`; publishes whatever was written while reading them. */
  release(head: number): void {
    this.#head = head;
    Atomics.store(this.#words, Word.head, head);
  }
}

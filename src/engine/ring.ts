/**
 * The bounded ring between the socket thread and one worker: single producer, single consumer.
 *
 * Sequences are free-running 32-bit integers, compared by difference, `(a - b) | 0`, so they may wrap. The slot of a
 * sequence is `sequence & mask`, and no slot need stay empty to tell full from empty. `tail` (next to write) is the
 * producer's word, `head` (next to read) the consumer's, on different cache lines. The producer keeps a copy of the
 * head and loads the real one only when the copy says that the ring is full. The copy is stale in one direction only:
 * it may report a full ring that has room, but never room in a full ring. What may be pushed ends at a *limit*: where
 * the ring is full by that copy, or earlier, where a journal has no room for more.
 *
 * A slot is two words, the user's index and the amount, so that the usual event moves as few cache lines as possible
 * between the two threads. If the event has an ask, or its amount does not fit into 32 bits, the slot is wide: the
 * top bit of the first word is set, the second word is the ask, and the amount is in a second array. A *rich* slot is wide
 * and has an extra, too (extra.ts): the second bit is set.
 *
 * Only the socket thread may call `Producer`, and only its worker may call `Consumer`.
 */
import type { ExtraViews } from './extra.ts';
import type { LaneMemory } from './memory-layout.ts';
import type { LaneRecorder } from './recording.ts';
import { SLOT_WORDS, Word } from './words.ts';

/** The top bit: the amount is in the array of amounts. */
const WIDE = 1 << 31;
/** The next bit: there is an extra. Indices of users are below it. */
export const RICH = 1 << 30;
export const USER_MASK = RICH - 1;
// Names of their own, too.
const rich = RICH;
const userMask = USER_MASK;
// Names of their own: what is imported is looked up, and checked, whenever it is used.
const slotWords = SLOT_WORDS;

export class Producer {
  readonly capacity: number;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #slots: Int32Array<SharedArrayBuffer>;
  readonly #amounts: Float64Array<SharedArrayBuffer>;
  readonly extras: ExtraViews;
  readonly #mask: number;
  #tail: number;
  #published: number;
  #headSeen: number;
  /** The first sequence that may not be pushed. */
  #limit: number;
  readonly #recorder: LaneRecorder | undefined;

  constructor(lane: LaneMemory, recorder?: LaneRecorder) {
    this.#recorder = recorder;
    this.#words = lane.words;
    this.#slots = lane.slots;
    this.#amounts = lane.amounts;
    this.extras = lane.extras;
    this.capacity = lane.answers.length;
    this.#mask = this.capacity - 1;
    this.#tail = Atomics.load(lane.words, Word.tail);
    this.#published = this.#tail;
    this.#headSeen = Atomics.load(lane.words, Word.head);
    this.#limit = this.#tail;
  }

  /** The sequence that the next push gets. */
  get tail(): number {
    return this.#tail;
  }

  /** Slots written and not yet read, including unpublished ones. May be too high (the head moves on), never too low. */
  get depth(): number {
    this.#headSeen = Atomics.load(this.#words, Word.head);
    return (this.#tail - this.#headSeen) | 0;
  }

  /** As `depth`, from the copy of the head: may be higher still, but loads no shared word. */
  get depthSeen(): number {
    return (this.#tail - this.#headSeen) | 0;
  }

  hasRoom(): boolean {
    return ((this.#limit - this.#tail) | 0) > 0 || this.#look();
  }

  #look(): boolean {
    const { depth, capacity } = this;
    const room = capacity - depth;
    const journalRoom = this.#recorder?.roomBehind(this.#headSeen, this.#tail) ?? room;
    this.#limit = (this.#tail + Math.min(room, journalRoom)) | 0;
    return this.#limit !== this.#tail;
  }

  /**
   * Writes one slot, in constant time; false if the ring is full. The consumer sees it after `publish`. `ask` is 0 if
   * no answer is wanted.
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

  /** Where the extra of the next slot goes, in records. */
  get nextPlace(): number {
    return this.#tail & this.#mask;
  }

  /** As `tryPush`, for a slot whose extra is at `nextPlace` already. There must be room. */
  pushRich(user: number, ask: number, amount: number): void {
    const slot = this.#tail & this.#mask;
    this.#slots[slot * slotWords] = user | WIDE | rich;
    this.#slots[slot * slotWords + 1] = ask;
    this.#amounts[slot] = amount;
    this.#tail = (this.#tail + 1) | 0;
  }

  /** The user of one of the last `capacity` pushed sequences; a slot keeps it after it was read, until it is reused. */
  userAt(sequence: number): number {
    return this.#slots[(sequence & this.#mask) * slotWords]! & userMask;
  }

  /** After this push, room is looked for anew: a journal needs some of what it promised for a name. */
  takeNameRoom(): void {
    this.#limit = (this.#tail + 1) | 0;
  }

  /** Makes all pushed slots visible; false if there was nothing new. */
  publish(): boolean {
    if (this.#published === this.#tail) return false;
    this.#published = this.#tail;
    // Publishes the slots: a consumer that loads this tail also sees their contents.
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

  /** Slots that can be read now. May be too low (the tail moves on), never too high. */
  available(): number {
    return (Atomics.load(this.#words, Word.tail) - this.#head) | 0;
  }

  userAt(sequence: number): number {
    return this.#slots[(sequence & this.#mask) * slotWords]! & userMask;
  }

  /** The first word of a slot: its user, and whether it is wide, and rich. */
  wordAt(sequence: number): number {
    return this.#slots[(sequence & this.#mask) * slotWords]!;
  }

  /** The place of a slot's extra, in records. */
  placeOf(sequence: number): number {
    return sequence & this.#mask;
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

  /** Returns every slot below `head` to the producer; publishes all that the consumer wrote for them. */
  release(head: number): void {
    this.#head = head;
    Atomics.store(this.#words, Word.head, head);
  }
}

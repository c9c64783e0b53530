/**
 * The ids that an owner remembers: what each was used for, and what came of it.
 *
 * They lie in a ring, in the order in which they were decided, which is the order of their age: the oldest is forgotten
 * by moving the head. A place of the index has the last id with that part of its hash, and each id the one before it
 * there. So nothing is ever deleted from the index: what is below the head is forgotten, and all behind it is older.
 *
 * ```
 *  words 0–3  hash of the id      4  user      5  kind and flags      6  other user      7  the id before it
 *             (of a transfer between two lanes, the upper 24 bits of word 5 are the lower ones of its number)
 *  floats 4  amount      5  min      6  answer      7  when it was decided, ms
 * ```
 *
 * The worker that owns the lane uses it in shared memory, and whoever reads a journal in memory of its own: both decide
 * the same, because time comes from the block that an event is in.
 */
import { ExtraFloat, ExtraKind, type ExtraViews, ExtraWord, HAS_ID, IS_WAITING, KIND_MASK } from './extra.ts';
import { ID_WORDS } from './words.ts';

const Field = { user: 4, kind: 5, other: 6, before: 7 } as const;
const Float = { amount: 4, min: 5, answer: 6, timeMs: 7 } as const;
const ID_FLOATS = ID_WORDS / 2;
/** Of the word of the kind: what is compared. The number of a transfer is behind it. */
const USE_BITS = 8;
const USE_MASK = 2 ** USE_BITS - 1;
const NUMBERS = 2 ** (32 - USE_BITS);

// Constants of this module: an imported binding is looked up, and checked, at every use.
const idWords = ID_WORDS;

export interface IdsMemory {
  readonly words: Int32Array;
  readonly floats: Float64Array;
  readonly index: Int32Array;
}

/** Views of memory for `slots` ids, which is a power of two. */
export function idsMemory(slots: number): IdsMemory {
  const bytes = new ArrayBuffer(slots * idWords * 4);
  return {
    words: new Int32Array(bytes),
    floats: new Float64Array(bytes),
    index: new Int32Array(slots),
  };
}

export class Ids {
  readonly #words: Int32Array;
  readonly #floats: Float64Array;
  readonly #index: Int32Array;
  readonly #mask: number;
  readonly #indexMask: number;
  readonly #max: number;
  readonly #ms: number;
  /** The oldest position that is remembered. */
  head: number;
  /** The next position. Positions are free-running from 1, and the index begins with zeros. */
  tail: number;
  /** The position that `find` has found. */
  #found = 0;

  /** Remembers `max` ids at most, for `ms` at least. */
  constructor({ words, floats, index }: IdsMemory, max: number, ms: number, head = 1, tail = 1) {
    this.#words = words;
    this.#floats = floats;
    this.#index = index;
    this.#mask = words.length / idWords - 1;
    this.#indexMask = index.length - 1;
    this.#max = max;
    this.#ms = ms;
    this.head = head;
    this.tail = tail;
  }

  get count(): number {
    return (this.tail - this.head) | 0;
  }

  /** There is no room for another one. */
  get isFull(): boolean {
    return ((this.tail - this.head) | 0) >= this.#max;
  }

  /** When the last one was decided; 0: there is none. */
  get lastMs(): number {
    return this.count === 0 ? 0 : this.#floats[((this.tail - 1) & this.#mask) * ID_FLOATS + Float.timeMs]!;
  }

  /** Forgets what is too old at this time. */
  forget(nowMs: number): void {
    while (
      this.count > 0 &&
      nowMs - this.#floats[(this.head & this.#mask) * ID_FLOATS + Float.timeMs]! > this.#ms
    )
      this.head = (this.head + 1) | 0;
  }

  /** Brings the place of the index into the cache: of several events at the same time, and not one after the other. */
  touch(extras: ExtraViews, at: number): number {
    return this.#index[extras.words[at]! & this.#indexMask]!;
  }

  /** Whether the user's id in an extra is remembered; the next methods are about the one found. */
  find(user: number, { words: extra }: ExtraViews, at: number): boolean {
    const words = this.#words;
    const first = extra[at]!;
    const second = extra[at + 1]!;
    const third = extra[at + 2]!;
    const fourth = extra[at + 3]!;
    let position = this.#index[first & this.#indexMask]!;
    while (this.#isRemembered(position)) {
      const id = (position & this.#mask) * idWords;
      if (
        words[id] === first &&
        words[id + 1] === second &&
        words[id + 2] === third &&
        words[id + 3] === fourth &&
        words[id + Field.user] === user
      ) {
        this.#found = position;
        return true;
      }
      position = words[id + Field.before]!;
    }
    return false;
  }

  /** Whether it was used for just this. */
  isSame(amount: number, extras: ExtraViews, at: number): boolean {
    const id = (this.#found & this.#mask) * idWords;
    const floats = (this.#found & this.#mask) * ID_FLOATS;
    return (
      this.#floats[floats + Float.amount] === amount &&
      this.#floats[floats + Float.min] === extras.floats[at / 2 + ExtraFloat.min] &&
      (this.#words[id + Field.kind]! & USE_MASK) === useOf(extras.words[at + ExtraWord.kind]!) &&
      this.#words[id + Field.other] === extras.words[at + ExtraWord.other]
    );
  }

  /** Whether it was used by the transfer with this number: it may have been forgotten meanwhile, and used again. */
  isOf(number: number): boolean {
    return this.#words[(this.#found & this.#mask) * idWords + Field.kind]! >>> USE_BITS === number % NUMBERS;
  }

  /** What came of it. */
  get answer(): number {
    return this.#floats[(this.#found & this.#mask) * ID_FLOATS + Float.answer]!;
  }

  set answer(answer: number) {
    this.#floats[(this.#found & this.#mask) * ID_FLOATS + Float.answer] = answer;
  }

  /** Remembers an id that was decided now; there must be room. */
  add(user: number, amount: number, extras: ExtraViews, at: number, answer: number, nowMs: number): void {
    const position = this.tail;
    const words = this.#words;
    const floats = this.#floats;
    const id = (position & this.#mask) * idWords;
    const float = (position & this.#mask) * ID_FLOATS;
    const extra = extras.words;
    words[id] = extra[at]!;
    words[id + 1] = extra[at + 1]!;
    words[id + 2] = extra[at + 2]!;
    words[id + 3] = extra[at + 3]!;
    words[id + Field.user] = user;
    words[id + Field.kind] = useOf(extra[at + ExtraWord.kind]!) | numberBits(extras, at);
    words[id + Field.other] = extra[at + ExtraWord.other]!;
    floats[float + Float.amount] = amount;
    floats[float + Float.min] = extras.floats[at / 2 + ExtraFloat.min]!;
    floats[float + Float.answer] = answer;
    floats[float + Float.timeMs] = nowMs;
    this.#link(position, id);
  }

  /**
   * Forgets what a worker that died had added in the run that is done again. `extras` are those of its slots: only
   * they can have changed the index.
   */
  takeBack(tail: number, extras: ExtraViews, places: Iterable<number>): void {
    this.tail = tail;
    for (const at of places) {
      const place = extras.words[at]! & this.#indexMask;
      let position = this.#index[place]!;
      while (((position - tail) | 0) >= 0)
        position = this.#words[(position & this.#mask) * idWords + Field.before]!;
      this.#index[place] = position;
    }
  }

  /** Copies a remembered id; positions are from `head` up to `tail`. */
  copyTo(position: number, into: Int32Array): void {
    const id = (position & this.#mask) * idWords;
    for (let word = 0; word < idWords; word++) into[word] = this.#words[id + word]!;
    into[Field.before] = 0;
  }

  timeOf(position: number): number {
    return this.#floats[(position & this.#mask) * ID_FLOATS + Float.timeMs]!;
  }

  /** Adds what `copyTo` had copied, behind all others. There must be a place. */
  restore(from: Int32Array): void {
    const id = (this.tail & this.#mask) * idWords;
    this.#words.set(from, id);
    this.#link(this.tail, id);
  }

  #link(position: number, id: number): void {
    const place = this.#words[id]! & this.#indexMask;
    this.#words[id + Field.before] = this.#index[place]!;
    this.#index[place] = position;
    this.tail = (position + 1) | 0;
  }

  #isRemembered(position: number): boolean {
    return ((position - this.head) | 0) >= 0 && ((position - this.tail) | 0) < 0;
  }
}

/** Gives the users of a copied id the indices that they have now; returns that of its owner. */
export function renew(copied: Int32Array, newIndexOf: Uint32Array): number {
  const user = newIndexOf[copied[Field.user]!]!;
  copied[Field.user] = user;
  if ((copied[Field.kind]! & KIND_MASK) !== ExtraKind.event)
    copied[Field.other] = newIndexOf[copied[Field.other]!]!;
  return user;
}

/** Of a transfer between two lanes: its number, as it is kept behind the kind; of all else 0. */
function numberBits({ words, floats }: ExtraViews, at: number): number {
  if ((words[at + ExtraWord.kind]! & KIND_MASK) !== ExtraKind.debit) return 0;
  return (floats[at / 2 + ExtraFloat.number]! % NUMBERS) << USE_BITS;
}

/** What an id was used for, whichever lanes the users of a transfer are in. */
function useOf(kind: number): number {
  const isTransfer = (kind & KIND_MASK) !== ExtraKind.event;
  return (isTransfer ? ExtraKind.transfer : ExtraKind.event) | (kind & (HAS_ID | IS_WAITING));
}

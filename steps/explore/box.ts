/**
 * The words through which the explorer and one of its threads hand each other the turn. Only one of all threads runs
 * at any time; whoever has the turn spins for a moment for the other's answer, then sleeps.
 *
 * The real `Atomics` are taken before anybody replaces the global.
 */
import { CODES, OPERATIONS, type Pending, VARIANTS, type Variant } from './operations.ts';

const { load, store, wait, notify } = Atomics;

/** Words; the first is the turn: 0 the explorer's, 1 the thread's. */
const Word = {
  turn: 0,
  operation: 1,
  address: 2,
  variant: 3,
  /** Operations that the thread may do before it stops again. */
  granted: 4,
  /** Threads that the granted `notify` wakes, as bits. */
  woken: 5,
  /** Two hashes of all that the thread has seen in this run. */
  seen: 6,
  messageBytes: 8,
  isVisible: 9,
  /** Operations that the thread did without a stop since it was let go. */
  passed: 10,
} as const;
const WORDS = 16;
const Float = { value: 0, other: 1, result: 2 } as const;
const FLOATS = 4;
const MESSAGE_BYTES = 1_000;
const BOX_BYTES = WORDS * 4 + FLOATS * 8 + MESSAGE_BYTES;

const EXPLORER = 0;
const THREAD = 1;
/** Some microseconds: longer than a thread takes that runs on another core, shorter than to be woken. */
const SPINS = 2_000;
/** A thread that does not come back has left shared memory alone for so long that it hangs; or the process slept. */
const ANSWER_MS_MAX = 10_000;
const ANSWER_WAITS_MAX = 3;

export class Box {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #floats: Float64Array;
  readonly #message: Uint8Array;

  constructor(buffer = new SharedArrayBuffer(BOX_BYTES)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, WORDS);
    this.#floats = new Float64Array(buffer, WORDS * 4, FLOATS);
    this.#message = new Uint8Array(buffer, WORDS * 4 + FLOATS * 8, MESSAGE_BYTES);
  }

  /** The explorer's: lets the thread go on, and returns when it has stopped again. */
  grant(variant: Variant, operations: number, woken = 0): void {
    const words = this.#words;
    words[Word.variant] = VARIANTS.indexOf(variant);
    words[Word.granted] = operations;
    words[Word.woken] = woken;
    this.#handOver(THREAD);
    for (let spin = 0; spin < SPINS; spin++) if (load(words, Word.turn) === EXPLORER) return;
    for (let waits = 0; load(words, Word.turn) === THREAD; ) {
      if (wait(words, Word.turn, THREAD, ANSWER_MS_MAX) === 'timed-out' && ++waits === ANSWER_WAITS_MAX)
        throw new Error('a thread did not stop at any operation: it loops without touching shared memory');
    }
  }

  /** The thread's: says what it is about to do, and returns when it may. */
  stop(pending: Pending): void {
    const words = this.#words;
    words[Word.operation] = CODES[pending.operation];
    words[Word.address] = pending.address;
    words[Word.isVisible] = pending.isVisible ? 1 : 0;
    this.#floats[Float.value] = pending.value;
    this.#floats[Float.other] = pending.other;
    this.#handOver(EXPLORER);
    this.awaitTurn();
  }

  /** The thread's. */
  awaitTurn(): void {
    for (let spin = 0; spin < SPINS; spin++) if (load(this.#words, Word.turn) === THREAD) return;
    while (load(this.#words, Word.turn) === EXPLORER) wait(this.#words, Word.turn, EXPLORER);
  }

  get pending(): Pending {
    return {
      operation: OPERATIONS[this.#words[Word.operation]!]!,
      address: this.#words[Word.address]!,
      value: this.#floats[Float.value]!,
      other: this.#floats[Float.other]!,
      isVisible: this.#words[Word.isVisible] === 1,
    };
  }

  get variant(): Variant {
    return VARIANTS[this.#words[Word.variant]!]!;
  }

  get granted(): number {
    return this.#words[Word.granted]!;
  }

  get woken(): number {
    return this.#words[Word.woken]!;
  }

  get passed(): number {
    return this.#words[Word.passed]!;
  }

  set passed(operations: number) {
    this.#words[Word.passed] = operations;
  }

  get result(): number {
    return this.#floats[Float.result]!;
  }

  set result(result: number) {
    this.#floats[Float.result] = result;
  }

  /** The two words of the hash of all that the thread has seen. */
  get seen(): Int32Array {
    return this.#words.subarray(Word.seen, Word.seen + 2);
  }

  /** What the thread threw; empty if it did not. */
  get message(): string {
    return Buffer.from(this.#message.subarray(0, this.#words[Word.messageBytes]!)).toString();
  }

  set message(text: string) {
    const bytes = Buffer.from(text).subarray(0, MESSAGE_BYTES);
    this.#message.set(bytes);
    this.#words[Word.messageBytes] = bytes.length;
  }

  #handOver(to: number): void {
    store(this.#words, Word.turn, to);
    notify(this.#words, Word.turn);
  }
}

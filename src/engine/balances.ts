/**
 * Applying events to balances, so that a worker may die at any point and its successor goes on exactly.
 *
 * A balance is a float64 in shared memory that only the owner of its shard writes; all integers up to ±(2^53−1)
 * are exact in it. Between two publications of the head a worker applies a run of events, and if it dies in
 * there, its successor must know how far it came. So the outcome of each event goes to a journal first: the
 * record is written, then `committed` is stored, then the balance. A successor repeats the last committed
 * record, which is harmless if it had been applied, and goes on behind it. There are two records in turn, since
 * the next one may be half written while the last is still needed. (A redo log of one entry.)
 */
import {
  balancesOf,
  Count,
  Journal,
  type Lane,
  laneOf,
  type Shape,
  SLOT_FLOATS,
  SLOT_WORDS,
  shapeOf,
  Word,
} from './layout.ts';

/** The answer to an ask whose event would have left the range of a balance. */
export const OVERFLOWED = Number.NaN;

const BALANCE_MAX = Number.MAX_SAFE_INTEGER;

export class Balances {
  readonly #lane: Lane;
  readonly #balances: Float64Array<SharedArrayBuffer>;
  readonly #mask: number;
  #processed: number;
  #overflowed: number;

  constructor(buffer: SharedArrayBuffer, shape: Shape, worker: number) {
    this.#lane = laneOf(buffer, shape, worker);
    this.#balances = balancesOf(buffer, shape);
    this.#mask = shape.ringSlots - 1;
    this.#processed = Number(Atomics.load(this.#lane.counts, Count.processed));
    this.#overflowed = Number(Atomics.load(this.#lane.counts, Count.overflowed));
  }

  /** Finishes what a worker that died had begun. Returns the head to go on from. */
  recover(): number {
    const head = Atomics.load(this.#lane.words, Word.head);
    const committed = Atomics.load(this.#lane.words, Word.committed);
    if (((committed - head) | 0) <= 0) return head;
    const sequence = (committed - 1) | 0;
    const record = recordOf(sequence);
    this.#processed = this.#lane.journal[record + Journal.processed]!;
    this.#overflowed = this.#lane.journal[record + Journal.overflowed]!;
    this.#settle(sequence & this.#mask, this.#lane.journal[record + Journal.answer]!);
    return committed;
  }

  /** Applies the event at `sequence`; true if somebody asked for its answer. Allocates nothing. */
  apply(sequence: number): boolean {
    const slot = sequence & this.#mask;
    const amount = this.#lane.slotFloats[slot * SLOT_FLOATS + 1]!;
    const sum = this.#balances[this.#lane.slotWords[slot * SLOT_WORDS]!]! + amount;
    let answer = sum;
    if (amount !== 0) {
      if (sum > BALANCE_MAX || sum < -BALANCE_MAX) {
        answer = OVERFLOWED;
        this.#overflowed += 1;
      } else {
        this.#processed += 1;
      }
    }
    const record = recordOf(sequence);
    this.#lane.journal[record + Journal.answer] = answer;
    this.#lane.journal[record + Journal.processed] = this.#processed;
    this.#lane.journal[record + Journal.overflowed] = this.#overflowed;
    // The moment at which the event counts as applied: a successor repeats the record from here on.
    Atomics.store(this.#lane.words, Word.committed, (sequence + 1) | 0);
    return this.#settle(slot, answer);
  }

  /** For the engine, once no worker runs any more: counts what this one had applied and not yet counted. */
  static settle(buffer: SharedArrayBuffer, worker: number): void {
    const balances = new Balances(buffer, shapeOf(buffer), worker);
    balances.recover();
    balances.publishCounts();
  }

  /** Publishes the counts; the head is stored after it. */
  publishCounts(): void {
    Atomics.store(this.#lane.counts, Count.processed, BigInt(this.#processed));
    Atomics.store(this.#lane.counts, Count.overflowed, BigInt(this.#overflowed));
  }

  #settle(slot: number, answer: number): boolean {
    if (!Number.isNaN(answer)) this.#balances[this.#lane.slotWords[slot * SLOT_WORDS]!] = answer;
    const ask = this.#lane.slotWords[slot * SLOT_WORDS + 1]!;
    if (ask === 0) return false;
    this.#lane.answers[ask - 1] = answer;
    return true;
  }
}

function recordOf(sequence: number): number {
  return Journal.record + (sequence & 1) * Journal.floats;
}

/**
 * Applying events to balances, so that a worker may die at any point and its successor goes on exactly.
 *
 * A balance is a float64 in shared memory that only the owner of its shard writes; all integers up to ±(2^53−1)
 * are exact in it. Events are applied in runs, and a run counts as a whole, when the head behind it is stored.
 * Before its first event, the balances of all its users are copied aside, with the counts, and `begun` is stored;
 * so a worker that dies within a run leaves what its successor needs to take the run back and to apply it anew.
 * (An undo log of one entry. A log by event would cost each one a store that orders memory; here it is a few a run.
 * And copying first brings the balances into the cache, several at a time.)
 */
import {
  Before,
  balancesOf,
  Count,
  type LaneMemory,
  laneOf,
  type Shape,
  shapeOf,
  Word,
} from './memory-layout.ts';
import { Consumer } from './ring.ts';

/** The answer to an ask whose event would have left the range of a balance. */
export const OVERFLOWED = Number.NaN;

/** Balances go from −(2^53−1) to 2^53−1, so a float64 holds each of them exactly. */
const BALANCE_MAX = Number.MAX_SAFE_INTEGER;

export class Balances {
  readonly #lane: LaneMemory;
  readonly #ring: Consumer;
  readonly #balances: Float64Array<SharedArrayBuffer>;
  #processed: number;
  #overflowed: number;

  constructor(buffer: SharedArrayBuffer, shape: Shape, worker: number, ring: Consumer) {
    this.#lane = laneOf(buffer, shape, worker);
    this.#ring = ring;
    this.#balances = balancesOf(buffer, shape);
    this.#processed = Number(Atomics.load(this.#lane.counts, Count.processed));
    this.#overflowed = Number(Atomics.load(this.#lane.counts, Count.overflowed));
  }

  /** Takes back what a worker that died had begun. Dying in here changes nothing for the next. */
  recover(): void {
    const { head } = this.#ring;
    const { before, words } = this.#lane;
    const count = (Atomics.load(words, Word.begun) - head) | 0;
    if (count <= 0) return;
    for (let event = 0; event < count; event++)
      this.#balances[this.#ring.userAt(head + event)] = before[event]!;
    this.#processed = before[Before.processed]!;
    this.#overflowed = before[Before.overflowed]!;
    this.#publishCounts();
  }

  /** Applies the next `count` events, at most `RUN_EVENTS_MAX`; true if somebody asked for an answer among them. */
  applyRun(count: number): boolean {
    const ring = this.#ring;
    const end = (ring.head + count) | 0;
    this.#begin(count, end);
    let isAsked = false;
    for (let sequence = ring.head; sequence !== end; sequence = (sequence + 1) | 0) {
      const user = ring.userAt(sequence);
      const amount = ring.amountAt(sequence);
      const sum = this.#balances[user]! + amount;
      const isOver = sum > BALANCE_MAX || sum < -BALANCE_MAX;
      if (!isOver) this.#balances[user] = sum;
      if (amount !== 0) {
        if (isOver) this.#overflowed += 1;
        else this.#processed += 1;
      }
      const ask = ring.askAt(sequence);
      if (ask !== 0) {
        this.#lane.answers[ask - 1] = isOver ? OVERFLOWED : sum;
        isAsked = true;
      }
    }
    this.#publishCounts();
    ring.release(end);
    return isAsked;
  }

  /** For the engine, once no worker runs any more: takes back what this one had not finished. */
  static settle(buffer: SharedArrayBuffer, worker: number): void {
    const shape = shapeOf(buffer);
    new Balances(buffer, shape, worker, new Consumer(laneOf(buffer, shape, worker))).recover();
  }

  #begin(count: number, end: number): void {
    const { before, words } = this.#lane;
    const { head } = this.#ring;
    for (let event = 0; event < count; event++)
      before[event] = this.#balances[this.#ring.userAt(head + event)]!;
    before[Before.processed] = this.#processed;
    before[Before.overflowed] = this.#overflowed;
    // From here on a successor restores the run's users; until here nothing of it was changed.
    Atomics.store(words, Word.begun, end);
  }

  /** The head is stored after them. */
  #publishCounts(): void {
    Atomics.store(this.#lane.counts, Count.processed, BigInt(this.#processed));
    Atomics.store(this.#lane.counts, Count.overflowed, BigInt(this.#overflowed));
  }
}

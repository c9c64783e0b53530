/**
 * Applies events to balances, exactly: a worker may die at any point, and no event is lost or applied twice.
 *
 * A balance is a float64 in shared memory, written only by the worker that owns its shard; it holds every integer up
 * to ±(2^53−1) exactly. Events are applied in runs. Storing the head after a run commits the whole run. Before a run,
 * the balances of its users and the counts are saved, and then `begun` is stored. If the worker dies within a run,
 * its successor restores what was saved and applies the run again. (This is an undo log of one entry. A log entry for
 * each event would cost a memory-ordering store an event; this costs a few a run. Saving also brings the balances
 * into the cache, several at a time.)
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

/** The answer when the event would have taken the balance out of its range; the event was not applied. */
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

  /** Undoes the unfinished run of a worker that died. Idempotent: a worker may die in here too. */
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

  /** Applies the next `count` events, at most `RUN_EVENTS_MAX`; true if an answer was written for any of them. */
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

  /** For the engine, when no worker is left: undoes the unfinished run of this one. */
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
    // From here on a successor restores the users of the run; until here no balance was changed.
    Atomics.store(words, Word.begun, end);
  }

  /** Before the head is stored, which commits them. */
  #publishCounts(): void {
    Atomics.store(this.#lane.counts, Count.processed, BigInt(this.#processed));
    Atomics.store(this.#lane.counts, Count.overflowed, BigInt(this.#overflowed));
  }
}

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
import { BALANCE_MAX, type Decided, decide, OVERFLOWED } from './deciding.ts';
import { ExtraKind, ExtraWord, HAS_ID, KIND_MASK } from './extra.ts';
import { Ids } from './ids.ts';
import { balancesOf, type LaneMemory, laneOf, type Shape, shapeOf } from './memory-layout.ts';
import { Consumer, RICH, USER_MASK } from './ring.ts';
import { Before, Count, EXTRA_WORDS, Word } from './words.ts';

// Constants of this module: an imported binding is looked up, and checked, at every use.
const balanceMax = BALANCE_MAX;
const userMask = USER_MASK;
const rich = RICH;

export class Balances {
  readonly #lane: LaneMemory;
  readonly #ring: Consumer;
  readonly #balances: Float64Array<SharedArrayBuffer>;
  readonly #ids: Ids;
  readonly #decided: Decided;
  readonly #clock: () => number;
  /** What was read of the index, so that it is read. */
  touched = 0;

  /** `clock` tells the time of the events that are applied next, ms; time in it need not go on. */
  constructor(
    buffer: SharedArrayBuffer,
    shape: Shape,
    worker: number,
    ring: Consumer,
    clock: () => number = Date.now,
  ) {
    this.#lane = laneOf(buffer, shape, worker);
    this.#ring = ring;
    this.#balances = balancesOf(buffer, shape);
    this.#clock = clock;
    const { counts, words, ids } = this.#lane;
    const count = (name: keyof Decided) => Number(Atomics.load(counts, Count[name]));
    this.#decided = {
      processed: count('processed'),
      overflowed: count('overflowed'),
      insufficient: count('insufficient'),
      reused: count('reused'),
      duplicate: count('duplicate'),
      idsFull: count('idsFull'),
    };
    const { idsMax = 0, idsMs = 0 } = shape;
    const [head, tail] = [Atomics.load(words, Word.idsHead), Atomics.load(words, Word.idsTail)];
    this.#ids = new Ids(ids, idsMax, idsMs, head, tail);
  }

  /** Undoes the unfinished run of a worker that died. Idempotent: a worker may die in here too. */
  recover(): void {
    const { head } = this.#ring;
    const { before, words } = this.#lane;
    const count = (Atomics.load(words, Word.begun) - head) | 0;
    if (count <= 0) return;
    let kinds = 0;
    for (let event = 0; event < count; event++) {
      const word = this.#ring.wordAt(head + event);
      kinds |= word;
      this.#balances[word & userMask] = before[event]!;
    }
    this.#decided.processed = before[Before.processed]!;
    this.#decided.overflowed = before[Before.overflowed]!;
    if ((kinds & rich) !== 0) this.#recoverRich(head, count);
    this.#publishCounts((kinds & rich) !== 0);
  }

  /** Applies the next `count` events, at most `RUN_EVENTS_MAX`; true if an answer was written for any of them. */
  applyRun(count: number): boolean {
    const ring = this.#ring;
    const end = (ring.head + count) | 0;
    const isRich = (this.#begin(count, end) & rich) !== 0;
    const isAsked = isRich ? this.#applyRich(end) : this.#applyUsual(end);
    this.#publishCounts(isRich);
    ring.release(end);
    return isAsked;
  }

  /** For the engine, when no worker is left: undoes the unfinished run of this one. */
  static settle(buffer: SharedArrayBuffer, worker: number): void {
    const shape = shapeOf(buffer);
    new Balances(buffer, shape, worker, new Consumer(laneOf(buffer, shape, worker))).recover();
  }

  #applyUsual(end: number): boolean {
    const ring = this.#ring;
    const balances = this.#balances;
    const decided = this.#decided;
    let isAsked = false;
    for (let sequence = ring.head; sequence !== end; sequence = (sequence + 1) | 0) {
      const user = ring.userAt(sequence);
      const amount = ring.amountAt(sequence);
      const sum = balances[user]! + amount;
      const isOver = sum > balanceMax || sum < -balanceMax;
      if (!isOver) balances[user] = sum;
      if (amount !== 0) {
        if (isOver) decided.overflowed += 1;
        else decided.processed += 1;
      }
      const ask = ring.askAt(sequence);
      if (ask !== 0) {
        this.#lane.answers[ask - 1] = isOver ? OVERFLOWED : sum;
        isAsked = true;
      }
    }
    return isAsked;
  }

  /** A run in which at least one slot is rich. */
  #applyRich(end: number): boolean {
    const ring = this.#ring;
    const ids = this.#ids;
    const balances = this.#balances;
    const decided = this.#decided;
    const { answers, extras, repeats, words } = this.#lane;
    // Ids are in the order of their times.
    const nowMs = Math.max(this.#clock(), ids.lastMs);
    ids.forget(nowMs);
    // Now: the ids of this run may take the places of those, so a successor must not believe in them.
    Atomics.store(words, Word.idsHead, ids.head);
    let isAsked = false;
    let refusals = 0;
    for (let sequence = ring.head; sequence !== end; sequence = (sequence + 1) | 0) {
      const word = ring.wordAt(sequence);
      const user = word & userMask;
      const amount = ring.amountAt(sequence);
      const ask = ring.askAt(sequence);
      let answer: number;
      if ((word & rich) !== 0) {
        const at = ring.placeOf(sequence) * EXTRA_WORDS;
        const { duplicate } = decided;
        answer = decide(balances, ids, user, amount, extras, at, nowMs, decided);
        if (ask !== 0) repeats[ask - 1] = decided.duplicate - duplicate;
      } else {
        answer = balances[user]! + amount;
        const isOver = answer > balanceMax || answer < -balanceMax;
        if (isOver) answer = OVERFLOWED;
        else balances[user] = answer;
        if (amount !== 0 && isOver) decided.overflowed += 1;
        else if (amount !== 0) decided.processed += 1;
      }
      if (ask === 0) continue;
      answers[ask - 1] = answer;
      if (answer > balanceMax) refusals += 1;
      isAsked = true;
    }
    // A successor may count them again: who looks at this then only looks closer.
    if (refusals > 0)
      Atomics.store(words, Word.refusals, (Atomics.load(words, Word.refusals) + refusals) | 0);
    return isAsked;
  }

  /** Saves what the run changes. Returns the first words of all its slots, or'ed. */
  #begin(count: number, end: number): number {
    const { before, words } = this.#lane;
    const { head } = this.#ring;
    const decided = this.#decided;
    let kinds = 0;
    for (let event = 0; event < count; event++) {
      const word = this.#ring.wordAt(head + event);
      kinds |= word;
      before[event] = this.#balances[word & userMask]!;
    }
    before[Before.processed] = decided.processed;
    before[Before.overflowed] = decided.overflowed;
    if ((kinds & rich) !== 0) this.#beginRich(head, count);
    // From here on a successor restores the users of the run; until here no balance was changed.
    Atomics.store(words, Word.begun, end);
    return kinds;
  }

  #beginRich(head: number, count: number): void {
    const { before, extras } = this.#lane;
    const decided = this.#decided;
    before[Before.insufficient] = decided.insufficient;
    before[Before.reused] = decided.reused;
    before[Before.duplicate] = decided.duplicate;
    before[Before.idsFull] = decided.idsFull;
    before[Before.idsTail] = this.#ids.tail;
    let touched = 0;
    for (let event = 0; event < count; event++) {
      const at = this.#extraAt(head + event);
      if (at === NO_EXTRA) continue;
      const kind = extras.words[at + ExtraWord.kind]!;
      if ((kind & HAS_ID) !== 0) touched |= this.#ids.touch(extras, at);
      if ((kind & KIND_MASK) === ExtraKind.transfer)
        before[Before.others + event] = this.#balances[extras.words[at + ExtraWord.other]!]!;
    }
    this.touched = touched;
  }

  #recoverRich(head: number, count: number): void {
    const { before, extras } = this.#lane;
    const decided = this.#decided;
    decided.insufficient = before[Before.insufficient]!;
    decided.reused = before[Before.reused]!;
    decided.duplicate = before[Before.duplicate]!;
    decided.idsFull = before[Before.idsFull]!;
    const withId: number[] = [];
    for (let event = 0; event < count; event++) {
      const at = this.#extraAt(head + event);
      if (at === NO_EXTRA) continue;
      const kind = extras.words[at + ExtraWord.kind]!;
      if ((kind & HAS_ID) !== 0) withId.push(at);
      if ((kind & KIND_MASK) === ExtraKind.transfer)
        this.#balances[extras.words[at + ExtraWord.other]!] = before[Before.others + event]!;
    }
    this.#ids.takeBack(before[Before.idsTail]!, extras, withId);
  }

  #extraAt(sequence: number): number {
    const isRich = (this.#ring.wordAt(sequence) & rich) !== 0;
    return isRich ? this.#ring.placeOf(sequence) * EXTRA_WORDS : NO_EXTRA;
  }

  /** Before the head is stored, which commits them. */
  #publishCounts(isRich: boolean): void {
    const { counts, words } = this.#lane;
    const decided = this.#decided;
    Atomics.store(counts, Count.processed, BigInt(decided.processed));
    Atomics.store(counts, Count.overflowed, BigInt(decided.overflowed));
    if (!isRich) return;
    Atomics.store(counts, Count.insufficient, BigInt(decided.insufficient));
    Atomics.store(counts, Count.reused, BigInt(decided.reused));
    Atomics.store(counts, Count.duplicate, BigInt(decided.duplicate));
    Atomics.store(counts, Count.idsFull, BigInt(decided.idsFull));
    Atomics.store(words, Word.idsTail, this.#ids.tail);
  }
}

/** The slot is not rich. */
const NO_EXTRA = -1;

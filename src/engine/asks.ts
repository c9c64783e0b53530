/**
 * The answers that a lane still owes, in the order of its events. Each has a place in the array of answers, where the
 * worker writes it; a place is free once the answer before it there was collected.
 */
import type { LaneMemory } from './memory-layout.ts';
import { type Asked, type Commit, Promised } from './position.ts';
import { Word } from './words.ts';

export class Asks {
  readonly #memory: LaneMemory;
  readonly #mask: number;
  /** Not yet answered, oldest first, from index `#answered` on. */
  readonly #asks: Asked[] = [];
  #answered = 0;
  /** Free-running counts of asks, and of those that are answered; the low bits are the index of the answer. */
  #askCount = 0;
  #answerCount = 0;
  /** The last ask, if events may be added to it. */
  #promised: Promised | undefined;
  /** There is one that the worker was not told of. */
  isNew = false;
  /** Refusals that the worker had counted when it was last looked at, and the events that they may be among. */
  #refusals = 0;
  #refusedUntil = 0;

  constructor(memory: LaneMemory) {
    this.#memory = memory;
    this.#mask = memory.answers.length - 1;
  }

  get isEmpty(): boolean {
    return this.#answered === this.#asks.length;
  }

  /** Every place is taken. */
  get isFull(): boolean {
    return ((this.#askCount - this.#answerCount) | 0) > this.#mask;
  }

  /** In a slot: the place of its answer, from 1. */
  get next(): number {
    return (this.#askCount & this.#mask) + 1;
  }

  add(asked: Asked): void {
    this.#askCount = (this.#askCount + 1) | 0;
    this.#asks.push(asked);
    this.#promised = undefined;
    this.isNew = true;
  }

  /** For the event `sequence`, whose reply is `line` of those that wait for the commit. */
  promise(commit: Commit, sequence: number, line: number): void {
    if (this.#promised?.commit !== commit) {
      this.#promised = new Promised(commit, line);
      this.#asks.push(this.#promised);
    }
    this.#promised.add(sequence, line);
    this.#askCount = (this.#askCount + 1) | 0;
    this.isNew = true;
  }

  /** Delivers the answers of all that the head has passed; `tail` is behind all events. */
  collect(head: number, tail: number): void {
    const { answers, repeats, words } = this.#memory;
    // Counted before the head is stored, so those of all answers below it are in.
    const refusals = Atomics.load(words, Word.refusals);
    if (refusals !== this.#refusals) {
      this.#refusals = refusals;
      this.#refusedUntil = tail;
    }
    while (!this.isEmpty) {
      const asked = this.#asks[this.#answered]!;
      if (((head - asked.sequence) | 0) <= 0) break;
      const place = this.#answerCount & this.#mask;
      this.#answered += 1;
      this.#answerCount = (this.#answerCount + asked.count) | 0;
      if (asked === this.#promised) this.#promised = undefined;
      const isAnyRefused = ((asked.sequence - this.#refusedUntil) | 0) < 0;
      asked.answered(answers, place, repeats, isAnyRefused);
    }
    if (this.isEmpty || this.#answered > this.#mask) {
      this.#asks.splice(0, this.#answered);
      this.#answered = 0;
    }
  }
}

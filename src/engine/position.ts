/**
 * What a reply can depend on. It waits until the workers have come so far (`isReached`).
 *
 * A *position* is one place in the order of a lane's events: an event with `wait` is answered with the balance there. A
 * *commit* is several, in several lanes: replies that say `accepted` wait for it if something can still come between.
 * They are made beforehand, and are changed where something did.
 */
import { Outcome } from '../protocol/outcome.ts';
import { outcomeOf } from './deciding.ts';

/** Waits for positions. */
export interface Waiter {
  /** One more of its positions was reached. */
  reached(): void;
}

/** What a lane tells of answers: `count` of them, the first at `place`, up to the event `sequence`. */
export interface Asked {
  sequence: number;
  readonly count: number;
  /**
   * `repeats`: 1 where the first half of a transfer had been decided before. `isAnyRefused`: one of the answers may be a
   * refusal.
   */
  answered(answers: Float64Array, place: number, repeats: Uint8Array, isAnyRefused: boolean): void;
}

export class Position implements Asked {
  sequence: number;
  readonly count = 1;
  isReached = false;
  /** When reached: the balance after that event, or a refusal (deciding.ts). */
  balance = Number.NaN;
  waiter: Waiter | undefined;

  constructor(sequence: number) {
    this.sequence = sequence;
  }

  answered(answers: Float64Array, place: number, _repeats: Uint8Array, _isAnyRefused: boolean): void {
    this.reach(answers[place]!);
  }

  reach(balance: number): void {
    this.isReached = true;
    this.balance = balance;
    this.waiter?.reached();
  }
}

export class Commit {
  isReached = false;
  waiter: Waiter | undefined;
  /** The first part is the visit, which may add others. */
  #parts = 1;
  /** Of a node of a cluster: by partition, the number of the last own block that has events of this visit; 0: none. */
  readonly writes: Float64Array | undefined = undefined;
  /** Replies that can't stay as they are: the number of a line, and the outcome. */
  changes: Map<number, Outcome> | undefined;

  /** There is one more part to be reached. */
  extend(): void {
    this.#parts += 1;
  }

  reach(): void {
    this.#parts -= 1;
    if (this.#parts > 0) return;
    this.isReached = true;
    this.waiter?.reached();
  }

  change(line: number, outcome: Outcome): void {
    this.changes ??= new Map();
    this.changes.set(line, outcome);
  }
}

/** Events of one visit to one lane, one after the other, whose replies are made: `accepted`, unless refused. */
export class Promised implements Asked {
  sequence = 0;
  count = 0;
  readonly commit: Commit;
  /** The number of the first reply among the lines of the visit. */
  readonly #firstLine: number;
  /** Those of all replies, if they are not one after the other. */
  #lines: number[] | undefined;

  constructor(commit: Commit, line: number) {
    this.commit = commit;
    this.#firstLine = line;
    commit.extend();
  }

  add(sequence: number, line: number): void {
    if (this.#lines === undefined && line !== this.#firstLine + this.count)
      this.#lines = Array.from({ length: this.count }, (_, at) => this.#firstLine + at);
    this.#lines?.push(line);
    this.sequence = sequence;
    this.count += 1;
  }

  answered(answers: Float64Array, place: number, _repeats: Uint8Array, isAnyRefused: boolean): void {
    const mask = answers.length - 1;
    for (let at = 0; isAnyRefused && at < this.count; at++) {
      const outcome = outcomeOf(answers[(place + at) & mask]!);
      if (outcome !== Outcome.accepted)
        this.commit.change(this.#lines?.[at] ?? this.#firstLine + at, outcome);
    }
    this.commit.reach();
  }
}

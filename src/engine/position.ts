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
  /** `repeats`: 1 where the first half of a transfer had been decided before. */
  answered(answers: Float64Array, place: number, repeats: Uint8Array): void;
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

  answered(answers: Float64Array, place: number, _repeats: Uint8Array): void {
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
  readonly commit: Commit;
  /** For each event, the number of its reply among the lines of the visit. */
  readonly #lines: number[] = [];

  constructor(commit: Commit) {
    this.commit = commit;
    commit.extend();
  }

  get count(): number {
    return this.#lines.length;
  }

  add(sequence: number, line: number): void {
    this.sequence = sequence;
    this.#lines.push(line);
  }

  answered(answers: Float64Array, place: number): void {
    const mask = answers.length - 1;
    const lines = this.#lines;
    for (let at = 0; at < lines.length; at++) {
      const outcome = outcomeOf(answers[(place + at) & mask]!);
      if (outcome !== Outcome.accepted) this.commit.change(lines[at]!, outcome);
    }
    this.commit.reach();
  }
}

/**
 * A position in the order of a lane's events, and the balance of a user there. A reply that depends on it waits until
 * the worker has passed it (`isReached`); so an event with `wait` is answered after it was applied.
 */

/** Waits for positions. */
export interface Waiter {
  /** One more of its positions was reached. */
  reached(): void;
}

export class Position {
  readonly sequence: number;
  isReached = false;
  /** When reached: the balance after that event, or `OVERFLOWED` if the event could not be applied. */
  balance = Number.NaN;
  waiter: Waiter | undefined;

  constructor(sequence: number) {
    this.sequence = sequence;
  }

  reach(balance: number): void {
    this.isReached = true;
    this.balance = balance;
    this.waiter?.reached();
  }
}

/** A position in several lanes: reached when it is reached in each of them. It has no balance. */
export class Commit extends Position {
  #lanes: number;

  /** `sequence` is that of the first lane. */
  constructor(sequence: number) {
    super(sequence);
    this.#lanes = 1;
  }

  /** It must be reached in one more lane. */
  extend(): void {
    this.#lanes += 1;
  }

  override reach(): void {
    this.#lanes -= 1;
    if (this.#lanes === 0) super.reach(Number.NaN);
  }
}

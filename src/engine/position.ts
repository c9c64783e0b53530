/**
 * A position in the order of a lane's events, and the balance of a user there. A reply that depends on it waits until
 * the owner has passed it (`isReached`): that is how an event is answered once it was applied.
 */

/** Somebody who waits for positions. */
export interface Waiter {
  /** One more was reached. */
  reached(): void;
}

export class Position {
  readonly sequence: number;
  isReached = false;
  /** Once it is reached: the balance after that event, or `OVERFLOWED` if the event could not be applied. */
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

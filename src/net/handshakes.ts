/**
 * Begins the handshakes of TLS a few at a time. One costs the socket thread as much as a thousand lines, and strangers can
 * ask for any number of them: so each turn of the event loop begins only a few, and the clients that are connected are
 * served in between.
 */

/** About two milliseconds of work. */
const AT_A_TIME = 4;

export class Handshakes {
  readonly #waiting = new Set<() => void>();
  #isArmed = false;

  /** Calls `begin` when its turn comes. Returns a function that takes it out of the queue. */
  add(begin: () => void): () => void {
    this.#waiting.add(begin);
    if (!this.#isArmed) {
      this.#isArmed = true;
      setImmediate(() => this.#turn());
    }
    return () => this.#waiting.delete(begin);
  }

  #turn(): void {
    let left = AT_A_TIME;
    for (const begin of this.#waiting) {
      this.#waiting.delete(begin);
      begin();
      if (--left === 0) break;
    }
    this.#isArmed = this.#waiting.size > 0;
    if (this.#isArmed) setImmediate(() => this.#turn());
  }
}

/**
 * Who is served when: so that clients that flood delay nobody else by more than a turn of the event loop.
 *
 * Small input is always served when it arrives. Large input is, too, until the turn's time is spent; what is left
 * waits in line, one visit each, until after the event loop has looked for new input again. Time is looked at
 * only when there is large input, so the usual small client pays nothing for it.
 */
const SMALL_BYTES = 4_096;

export interface Visited {
  takeTurn(): void;
}

export class Turns {
  readonly #turnMsMax: number;
  readonly #line = new Set<Visited>();
  #startMs = 0;
  #isArmed = false;

  constructor(turnMsMax: number) {
    this.#turnMsMax = turnMsMax;
  }

  /** Whether input of so many bytes is served at once; otherwise the caller gets in line. */
  mayServe(bytes: number): boolean {
    if (bytes <= SMALL_BYTES) return true;
    // Others wait already: behind them.
    if (this.#line.size > 0) return false;
    if (!this.#isArmed) this.#startMs = performance.now();
    this.#arm();
    return !this.#isSpent;
  }

  /** Gets in line; being in it already changes nothing. */
  wait(visited: Visited): void {
    this.#line.add(visited);
    this.#arm();
  }

  leave(visited: Visited): void {
    this.#line.delete(visited);
  }

  get #isSpent(): boolean {
    return performance.now() - this.#startMs >= this.#turnMsMax;
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#isArmed = false;
    this.#startMs = performance.now();
    // Those who get in line again while this runs wait for the next turn.
    let left = this.#line.size;
    for (const visited of this.#line) {
      if (left-- === 0 || this.#isSpent) break;
      this.#line.delete(visited);
      visited.takeTurn();
    }
    if (this.#line.size > 0) this.#arm();
  }
}

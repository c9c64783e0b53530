/**
 * Who is served when: so that clients that flood delay nobody else by more than a turn of the event loop.
 *
 * Small input is always served when it arrives. Large input is, too, until the turn's budget of bytes (requests
 * and replies together) is spent; what is left waits in line, one visit each, until after the event loop has
 * looked for new input again. The budget is counted only when there is large input, so the usual small client
 * pays nothing for it.
 */
const SMALL_BYTES = 4_096;

export interface Visited {
  takeTurn(): void;
}

export class Turns {
  readonly #bytesMax: number;
  readonly #line = new Set<Visited>();
  #spentBytes = 0;
  #isArmed = false;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isIdle(): boolean {
    return this.#line.size === 0;
  }

  /** Whether input of so many bytes is served at once; otherwise the caller gets in line. */
  mayServe(bytes: number): boolean {
    if (bytes <= SMALL_BYTES) return true;
    this.#arm();
    return this.#spentBytes < this.#bytesMax;
  }

  spend(bytes: number): void {
    this.#spentBytes += bytes;
  }

  /** Gets in line; being in it already changes nothing. */
  wait(visited: Visited): void {
    this.#line.add(visited);
    this.#arm();
  }

  leave(visited: Visited): void {
    this.#line.delete(visited);
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#isArmed = false;
    this.#spentBytes = 0;
    // Those who get in line again while this runs wait for the next turn.
    let left = this.#line.size;
    for (const visited of this.#line) {
      if (left-- === 0 || this.#spentBytes >= this.#bytesMax) break;
      this.#line.delete(visited);
      visited.takeTurn();
    }
    if (this.#line.size > 0) this.#arm();
  }
}

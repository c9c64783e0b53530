/**
 * The handshakes of TLS that are under way. Strangers can ask for any number of them, so what they cost is bounded:
 *
 * - Time: one costs the socket thread as much as a thousand lines. Each turn of the event loop begins a few, and the
 *   clients that are connected are served in between.
 * - Memory: one takes 50 KB until it is done. When there are too many, the oldest is given up: an honest one is done in the
 *   time of two round trips, and the oldest of many is probably none (as of half-open connections in a SYN cache,
 *   https://www.usenix.org/legacy/events/bsdcon02/full_papers/lemon/lemon_html/).
 */

/** About a millisecond of work. */
const AT_A_TIME = 2;
export const HANDSHAKES_MAX = 512;

/** A connection that has something to say, and has not shaken hands. */
export interface Handshake {
  begin(): void;
  giveUp(): void;
}

export class Handshakes {
  readonly #waiting = new Set<Handshake>();
  /** Oldest first. */
  readonly #underWay = new Set<Handshake>();
  #isArmed = false;

  /** Begins the handshake when its turn comes. */
  add(handshake: Handshake): void {
    this.#waiting.add(handshake);
    if (this.#isArmed) return;
    this.#isArmed = true;
    setImmediate(() => this.#turn());
  }

  /** It is done, or its connection is gone. */
  remove(handshake: Handshake): void {
    this.#waiting.delete(handshake);
    this.#underWay.delete(handshake);
  }

  #turn(): void {
    let left = AT_A_TIME;
    for (const handshake of this.#waiting) {
      this.#waiting.delete(handshake);
      this.#underWay.add(handshake);
      handshake.begin();
      if (--left === 0) break;
    }
    for (const oldest of this.#underWay) {
      if (this.#underWay.size <= HANDSHAKES_MAX) break;
      this.#underWay.delete(oldest);
      oldest.giveUp();
    }
    this.#isArmed = this.#waiting.size > 0;
    if (this.#isArmed) setImmediate(() => this.#turn());
  }
}

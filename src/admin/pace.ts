/**
 * How fast acts of administration may follow one another: each is written into the log, so that a flood of them has to
 * wait rather than the log.
 */

const EACH_MS = 10;
/** So many may come at once. */
const BURST = 100;

export class Pace {
  /** When the act after all that were asked for may begin; if that is long past, many may. */
  #nextMs = 0;

  /** Undefined: it may begin now. */
  wait(nowMs = performance.now()): Promise<void> | undefined {
    this.#nextMs = Math.max(this.#nextMs, nowMs - BURST * EACH_MS) + EACH_MS;
    const waitMs = this.#nextMs - nowMs;
    if (waitMs <= 0) return undefined;
    return new Promise(resolve => {
      setTimeout(resolve, waitMs).unref();
    });
  }
}

/** How long answers took, to a client that asks one at a time. */
import { createHistogram } from 'node:perf_hooks';

export class Latency {
  readonly #everyMs: number;
  readonly #histogram = createHistogram();
  answers = 0;

  /** `everyMs`: how often the client asks when answers come at once. */
  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** A client that waits does not ask meanwhile. The answers to what it would have asked are counted too. */
  add(tookMs: number): void {
    this.answers += 1;
    for (let leftMs = tookMs; leftMs > 0; leftMs -= this.#everyMs)
      this.#histogram.record(Math.max(1, Math.round(leftMs * 1e6)));
  }

  reset(): void {
    this.#histogram.reset();
    this.answers = 0;
  }

  get p99Ms(): number {
    return this.#histogram.percentile(99) / 1e6;
  }

  get maxMs(): number {
    return this.#histogram.max / 1e6;
  }
}

/**
 * How late the socket thread's event loop is: a timer that ought to run every 20 ms, and how much later it did. This is
 * what a client waits beyond the work on its own lines. To about a millisecond: timers know no less.
 *
 * Quantiles are of the time since the last look, or of the last ten seconds where somebody looks more often; whoever
 * looks first does not take them away from the others.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const EVERY_MS = 20;
const WINDOW_MS_MIN = 10_000;
/** In less of a window there are too few samples for a 99th percentile: then it is that of the window before. */
const SETTLED_SHARE = 0.2;

export interface DelayLook {
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  /** Since the start. */
  sumMs: number;
  samples: number;
}

type Quantiles = Pick<DelayLook, 'p50Ms' | 'p99Ms' | 'maxMs'>;

export class LoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution: EVERY_MS });
  #before: Quantiles = { p50Ms: 0, p99Ms: 0, maxMs: 0 };
  #sumMs = 0;
  #shownSumMs = 0;
  #samples = 0;
  #sinceMs = performance.now();
  readonly #windowMsMin: number;

  constructor(windowMsMin = WINDOW_MS_MIN) {
    this.#windowMsMin = windowMsMin;
  }

  start(): void {
    this.#histogram.enable();
  }

  stop(): void {
    this.#histogram.disable();
  }

  look(): DelayLook {
    const { count } = this.#histogram;
    const now: Quantiles = {
      p50Ms: this.#late(this.#histogram.percentile(50)),
      p99Ms: this.#late(this.#histogram.percentile(99)),
      maxMs: count === 0 ? 0 : this.#late(this.#histogram.max),
    };
    // A sum, which never falls; a mean times a count does, by what the histogram rounds.
    const lateMs = count === 0 ? 0 : this.#late(this.#histogram.mean) * count;
    this.#shownSumMs = Math.max(this.#shownSumMs, this.#sumMs + lateMs);
    const sumMs = this.#shownSumMs;
    const samples = this.#samples + count;
    const windowMs = performance.now() - this.#sinceMs;
    const isSettled = windowMs >= this.#windowMsMin * SETTLED_SHARE;
    const shown = isSettled ? now : { ...this.#before, maxMs: Math.max(this.#before.maxMs, now.maxMs) };
    if (windowMs >= this.#windowMsMin) {
      this.#before = now;
      this.#sumMs = sumMs;
      this.#samples = samples;
      this.#sinceMs = performance.now();
      this.#histogram.reset();
    }
    return { ...shown, sumMs, samples };
  }

  /** The histogram has the whole time from one run of the timer to the next. */
  #late(ns: number): number {
    return Math.max(0, ns / 1e6 - EVERY_MS);
  }
}

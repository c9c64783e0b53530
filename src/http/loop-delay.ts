/**
 * The delay of the socket thread's event loop: how late a timer of 20 ms runs. It is the time that a client waits in
 * addition to the work on its own lines. Its resolution is that of timers, about a millisecond.
 *
 * Quantiles are over the time since the last look, or over the last ten seconds if looks are more frequent, so that
 * observers do not disturb one another.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const EVERY_MS = 20;
const WINDOW_MS_MIN = 10_000;
/** A smaller part of a window has too few samples for a 99th percentile: then that of the previous window is shown. */
const SETTLED_SHARE = 0.2;

export interface DelayLook {
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  /** Total since the start. */
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
    // A running sum never falls; the mean times the count may, because the histogram rounds.
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

  /** The histogram records the whole time between two runs of the timer. */
  #late(ns: number): number {
    return Math.max(0, ns / 1e6 - EVERY_MS);
  }
}

/**
 * What a thread measured: counts and latencies by verdict, and by second. Latencies are kept in histograms of
 * HdrHistogram's kind (three significant digits, one microsecond to one hour), so that no tail is cut off and threads
 * can be added up.
 */
import { createRequire } from 'node:module';
import type { Float64Histogram, Histogram, JsHistogram } from 'hdr-histogram-js';
import { type Percentiles, VERDICTS } from './result.ts';

/**
 * This file of the package alone: the whole of it takes each thread 40 ms of processor time, for formats and WebAssembly
 * that are not used here.
 */
const { default: Counts } = createRequire(import.meta.url)('hdr-histogram-js/dist/Float64Histogram.js') as {
  default: typeof Float64Histogram;
};

/** One microsecond is the unit in the histograms. */
const PER_MS = 1_000;
const HIGHEST_US = 3_600_000_000;

export function newHistogram(): Histogram {
  return new Counts(1, HIGHEST_US, 3);
}

export function record(histogram: Histogram, latencyMs: number, count: number): void {
  const us = Math.round(latencyMs * PER_MS);
  histogram.recordValueWithCount(us < 0 ? 0 : us > HIGHEST_US ? HIGHEST_US : us, count);
}

/** As it is posted from thread to thread, and added on the other side: pairs of a latency, in µs, and how often it was. */
export type Encoded = Float64Array;

export function encode(histogram: Histogram): Encoded {
  const { recordedValuesIterator: values } = histogram as JsHistogram;
  const pairs: number[] = [];
  for (values.reset(); values.hasNext(); ) {
    const { valueIteratedTo: us, countAddedInThisIterationStep: count } = values.next();
    // Latencies that are told apart no further: the least of them for the minimum, else the greatest.
    pairs.push(pairs.length === 0 ? (histogram as JsHistogram).lowestEquivalentValue(us) : us, count);
  }
  return Float64Array.from(pairs);
}

export function addEncoded(to: Histogram, pairs: Encoded): void {
  for (let at = 0; at < pairs.length; at += 2) to.recordValueWithCount(pairs[at]!, pairs[at + 1]!);
}

export function percentilesOf(histogram: Histogram): Percentiles {
  const count = histogram.totalCount;
  const known = (us: number) => (count === 0 ? null : us / PER_MS);
  const at = (percentile: number) => known(histogram.getValueAtPercentile(percentile));
  return {
    count,
    // The least that is not 0; a value beyond the greatest stands for none.
    min: known(histogram.minNonZeroValue > histogram.maxValue ? 0 : histogram.minNonZeroValue),
    mean: known(histogram.mean),
    p50: at(50),
    p90: at(90),
    p99: at(99),
    p999: at(99.9),
    p9999: at(99.99),
    max: at(100),
  };
}

/** HdrHistogram's own text format, in milliseconds, for its plotters. */
export function distributionText(histogram: Histogram): string {
  return histogram.outputPercentileDistribution(5, PER_MS);
}

/** One second of one thread. */
export interface IntervalCounts {
  index: number;
  answered: number;
  busy: number;
  errors: number;
  latency: Encoded;
}

export interface Recorded {
  /** By verdict. */
  counts: number[];
  /** By verdict: encoded; undefined where there was no such reply. */
  corrected: (Encoded | undefined)[];
  uncorrected: (Encoded | undefined)[];
}

export const INTERVAL_MS = 1_000;
const BUSY = VERDICTS.indexOf('busy');
const ERROR = VERDICTS.indexOf('error');

export class Recorder {
  readonly counts: number[] = VERDICTS.map(() => 0);
  readonly #isOpen: boolean;
  readonly #corrected: (Histogram | undefined)[] = VERDICTS.map(() => undefined);
  readonly #uncorrected: (Histogram | undefined)[] = VERDICTS.map(() => undefined);
  readonly #interval = newHistogram();
  #intervalIndex = 0;
  #intervalCounts = VERDICTS.map(() => 0);
  #finished: IntervalCounts[] = [];

  /** In a closed loop both latencies are the same, and only one is kept. */
  constructor(isOpen: boolean) {
    this.#isOpen = isOpen;
    // The first time takes a while. Better now than in the middle of a load.
    encode(this.#interval);
  }

  /** `count` replies that came `sinceStartMs` after the measurement began. */
  add(
    verdict: number,
    count: number,
    correctedMs: number,
    uncorrectedMs: number,
    sinceStartMs: number,
  ): void {
    const index = Math.floor(sinceStartMs / INTERVAL_MS);
    if (index !== this.#intervalIndex) this.#finishInterval(index);
    this.counts[verdict]! += count;
    this.#intervalCounts[verdict]! += count;
    let histogram = this.#uncorrected[verdict];
    if (histogram === undefined) histogram = this.#uncorrected[verdict] = newHistogram();
    record(histogram, uncorrectedMs, count);
    record(this.#interval, correctedMs, count);
    if (!this.#isOpen) return;
    histogram = this.#corrected[verdict];
    if (histogram === undefined) histogram = this.#corrected[verdict] = newHistogram();
    record(histogram, correctedMs, count);
  }

  /** The seconds that are complete since the last call. */
  takeIntervals(): IntervalCounts[] {
    const finished = this.#finished;
    this.#finished = [];
    return finished;
  }

  finish(): Recorded {
    this.#finishInterval(this.#intervalIndex + 1);
    const encoded = (histograms: (Histogram | undefined)[]) =>
      histograms.map(histogram => (histogram === undefined ? undefined : encode(histogram)));
    const uncorrected = encoded(this.#uncorrected);
    return {
      counts: this.counts,
      corrected: this.#isOpen ? encoded(this.#corrected) : uncorrected,
      uncorrected,
    };
  }

  #finishInterval(next: number): void {
    const counts = this.#intervalCounts;
    const answered = counts.reduce((sum, count) => sum + count, 0);
    if (answered > 0) {
      this.#finished.push({
        index: this.#intervalIndex,
        answered,
        busy: counts[BUSY]!,
        errors: counts[ERROR]!,
        latency: encode(this.#interval),
      });
      this.#interval.reset();
      counts.fill(0);
    }
    this.#intervalIndex = next;
  }
}

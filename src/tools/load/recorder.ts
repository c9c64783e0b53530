/**
 * What a thread measured: counts and latencies by verdict, and by second. Latencies are kept in histograms of
 * HdrHistogram's kind (three significant digits, one microsecond to one hour), so that no tail is cut off and threads
 * can be added up.
 */

import type { Histogram } from 'hdr-histogram-js';
import * as hdr from 'hdr-histogram-js';
import { type Percentiles, VERDICTS } from './result.ts';

/** One microsecond is the unit in the histograms. */
const PER_MS = 1_000;
const HIGHEST_US = 3_600_000_000;

export function newHistogram(): Histogram {
  return hdr.build({
    bitBucketSize: 64,
    autoResize: false,
    highestTrackableValue: HIGHEST_US,
    numberOfSignificantValueDigits: 3,
    useWebAssembly: false,
  });
}

export function record(histogram: Histogram, latencyMs: number, count: number): void {
  const us = Math.round(latencyMs * PER_MS);
  histogram.recordValueWithCount(us < 0 ? 0 : us > HIGHEST_US ? HIGHEST_US : us, count);
}

/** As text that can be posted from thread to thread, and added on the other side. */
export function encode(histogram: Histogram): string {
  return hdr.encodeIntoCompressedBase64(histogram as Parameters<typeof hdr.encodeIntoCompressedBase64>[0]);
}

export function addEncoded(to: Histogram, encoded: string): void {
  to.add(hdr.decodeFromCompressedBase64(encoded, 64) as Parameters<Histogram['add']>[0]);
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
  latency: string;
}

export interface Recorded {
  /** By verdict. */
  counts: number[];
  /** By verdict: encoded; undefined where there was no such reply. */
  corrected: (string | undefined)[];
  uncorrected: (string | undefined)[];
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
    // The first time takes three milliseconds. Better now than in the middle of a load.
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

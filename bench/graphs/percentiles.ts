/**
 * A latency by percentile, as HdrHistogram plots it: the axis is 1 / (1 − p), logarithmic, so that every step to the
 * right is ten times rarer and the tail has as much room as the rest.
 */
import type { Histogram } from 'hdr-histogram-js';
import { type Axis, logarithmic } from './axis.ts';

export interface PercentilePoint {
  /** From 0 to 100. */
  percentile: number;
  latencyMs: number;
}

const US_PER_MS = 1_000;
const STEPS_A_DECADE = 20;
/** 99.99 %. Of 50,000 lines five are slower. */
const LAST_STEP = 4 * STEPS_A_DECADE;

/** 50 %, and twenty a decade from there to 99.99 %; 90, 99 and 99.9 are among them. */
export const PERCENTILES: readonly number[] = [
  50,
  ...Array.from({ length: LAST_STEP + 1 }, (_, step) => 10 ** (step / STEPS_A_DECADE))
    .filter(rarity => rarity > 2)
    .map(rarity => Number((100 * (1 - 1 / rarity)).toFixed(6))),
];

/** Of a histogram in microseconds. */
export function curveOf(histogram: Histogram): PercentilePoint[] {
  return PERCENTILES.map(percentile => ({
    percentile,
    latencyMs: histogram.getValueAtPercentile(percentile) / US_PER_MS,
  }));
}

export function latencyAt(curve: readonly PercentilePoint[], percentile: number): number {
  const point = curve.find(each => each.percentile === percentile);
  if (point === undefined) throw new Error(`the curve has no point at ${percentile} %`);
  return point.latencyMs;
}

/** Throws unless the curve has all percentiles, and no latency is below the previous one. */
export function checkCurve(name: string, curve: readonly PercentilePoint[]): void {
  if (!Array.isArray(curve) || curve.length !== PERCENTILES.length)
    throw new Error(`the ${name} curve has ${curve?.length} points, not ${PERCENTILES.length}`);
  let beforeMs = 0;
  for (const [index, { percentile, latencyMs }] of curve.entries()) {
    if (percentile !== PERCENTILES[index])
      throw new Error(`the ${name} curve has ${percentile} % where ${PERCENTILES[index]} % belongs`);
    if (!(latencyMs >= beforeMs && latencyMs > 0 && Number.isFinite(latencyMs)))
      throw new Error(`the ${name} curve has ${latencyMs} ms at ${percentile} %, after ${beforeMs} ms`);
    beforeMs = latencyMs;
  }
}

/** Where a percentile lies on the axis. */
export function rarityOf(percentile: number): number {
  return 100 / (100 - percentile);
}

export function percentileAxis(): Axis {
  return {
    label: 'Percentile (from 90 % on, each step is ten times rarer)',
    scale: 'log',
    from: rarityOf(PERCENTILES[0]!),
    to: rarityOf(PERCENTILES.at(-1)!),
    ticks: [50, 90, 99, 99.9, 99.99].map(at => ({ at: rarityOf(at), label: `${at} %` })),
  };
}

/** Around all of the curves. */
export function latencyAxis(...curves: (readonly PercentilePoint[])[]): Axis {
  const latenciesMs = curves.flatMap(curve => curve.map(point => point.latencyMs));
  return logarithmic('Latency, ms (logarithmic)', latenciesMs);
}

/** `0.312 ms`, `4.71 ms`, `912 ms`, `1,000 ms`: three digits at least. */
export function msText(ms: number): string {
  const rounded = ms >= 100 ? Math.round(ms) : Number(ms.toPrecision(3));
  return `${rounded.toLocaleString('en-US')} ms`;
}

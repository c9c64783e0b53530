/**
 * Compares two runs, and decides whether a difference is more than noise.
 *
 * The noise of a run is the difference between its seconds. A figure has changed if its seconds in the two runs
 * differ with a p-value below 1 % (the rank test of Mann and Whitney, two-sided, with ties), and by more than 2 %: a
 * difference may be certain and still not matter. The seconds of one run can't show how much whole runs differ on
 * that machine; the documentation says so.
 */
import { count, ms } from '../../cli/terminal/numbers.ts';
import { UsageError } from '../../cli/terminal/usage.ts';
import type { Interval, LoadResult } from './result.ts';

/**
 * `unsteady`: the runs are far apart, and a few seconds of one of them make it. `unknown`: too few seconds to say.
 * `untested`: a figure of whole runs only, whose noise two runs can't show.
 */
export type Difference = 'same' | 'noise' | 'changed' | 'unsteady' | 'unknown' | 'untested';

export interface Compared {
  figure: string;
  before: number;
  after: number;
  unit: 'ms' | '1/s' | '%' | '';
  difference: Difference;
  better: boolean | undefined;
  /** Of the rank test; undefined where there are no seconds to compare. */
  chance: number | undefined;
}

const CHANCE_MAX = 0.01;
const MATTERS = 0.02;
/** A ratio that can't be called noise, even if most seconds are alike. */
const FAR_APART = 2;
/** And the least absolute difference: a millisecond, a tenth of a percent. */
const FAR_APART_MIN: Record<Compared['unit'], number> = { ms: 1, '%': 0.1, '1/s': 1, '': 0 };
/** Fewer seconds than this say nothing about noise. */
const SECONDS_MIN = 6;

interface Figure {
  figure: string;
  unit: Compared['unit'];
  higherIsBetter: boolean;
  of: (run: LoadResult) => number;
  /** What it was in a second; undefined if that second had none. Without this there is no measure of its noise. */
  second?: (interval: Interval) => number | undefined;
}

const shareOf = (run: LoadResult, lines: number) => (100 * lines) / Math.max(1, run.sent + run.unsent);
const ofAnswered = (interval: Interval, lines: number) =>
  interval.answered === 0 ? undefined : (100 * lines) / interval.answered;

const FIGURES: readonly Figure[] = [
  {
    figure: 'rate',
    unit: '1/s',
    higherIsBetter: true,
    of: run => run.ratePerS,
    second: interval => interval.ratePerS,
  },
  {
    figure: 'p50',
    unit: 'ms',
    higherIsBetter: false,
    of: run => run.latencyMs.corrected.p50,
    second: interval => interval.p50Ms ?? undefined,
  },
  {
    figure: 'p99',
    unit: 'ms',
    higherIsBetter: false,
    of: run => run.latencyMs.corrected.p99,
    second: interval => interval.p99Ms ?? undefined,
  },
  { figure: 'p99.9', unit: 'ms', higherIsBetter: false, of: run => run.latencyMs.corrected.p999 },
  { figure: 'max', unit: 'ms', higherIsBetter: false, of: run => run.latencyMs.corrected.max },
  {
    figure: 'busy',
    unit: '%',
    higherIsBetter: false,
    of: run => shareOf(run, run.busy),
    second: interval => ofAnswered(interval, interval.busy),
  },
  {
    figure: 'errors',
    unit: '%',
    higherIsBetter: false,
    of: run => shareOf(run, run.errors),
    second: interval => ofAnswered(interval, interval.errors),
  },
  { figure: 'unknown', unit: '%', higherIsBetter: false, of: run => shareOf(run, run.unknown) },
  { figure: 'unsent', unit: '%', higherIsBetter: false, of: run => shareOf(run, run.unsent) },
];

export function compareRuns(before: LoadResult, after: LoadResult): Compared[] {
  return FIGURES.map(figure => compareFigure(figure, before, after));
}

function compareFigure(
  { figure, unit, higherIsBetter, of, second }: Figure,
  a: LoadResult,
  b: LoadResult,
): Compared {
  const [before, after] = [of(a), of(b)];
  const better = after === before ? undefined : after > before === higherIsBetter;
  const compared = { figure, unit, before, after, better, chance: undefined };
  if (before === after) return { ...compared, difference: 'same' };
  if (second === undefined) return { ...compared, difference: 'untested' };
  const [secondsA, secondsB] = [a, b].map(run => wholeSeconds(run, second)) as [number[], number[]];
  if (Math.min(secondsA.length, secondsB.length) < SECONDS_MIN) return { ...compared, difference: 'unknown' };
  const chance = rankTest(secondsA, secondsB);
  const matters = Math.abs(after - before) > MATTERS * Math.max(Math.abs(before), 1e-9);
  if (chance < CHANCE_MAX && matters) return { ...compared, chance, difference: 'changed' };
  const [less, more] = [Math.min(before, after), Math.max(before, after)];
  const isFar = more > FAR_APART * less && more - less >= FAR_APART_MIN[unit];
  return { ...compared, chance, difference: isFar ? 'unsteady' : 'noise' };
}

/** The last one is seldom a whole second. */
function wholeSeconds(run: LoadResult, second: (interval: Interval) => number | undefined): number[] {
  return run.intervals
    .slice(0, -1)
    .map(second)
    .filter(value => value !== undefined);
}

/** The p-value of the difference of two samples (Mann and Whitney's U, by the normal approximation). */
export function rankTest(a: readonly number[], b: readonly number[]): number {
  const all = [...a.map(value => ({ value, isA: true })), ...b.map(value => ({ value, isA: false }))];
  all.sort((one, other) => one.value - other.value);
  let rankSumA = 0;
  let ties = 0;
  for (let start = 0; start < all.length; ) {
    let end = start;
    while (end < all.length && all[end]!.value === all[start]!.value) end++;
    const rank = (start + 1 + end) / 2;
    for (let index = start; index < end; index++) if (all[index]!.isA) rankSumA += rank;
    ties += (end - start) ** 3 - (end - start);
    start = end;
  }
  const n = all.length;
  const u = rankSumA - (a.length * (a.length + 1)) / 2;
  const mean = (a.length * b.length) / 2;
  const variance = ((a.length * b.length) / 12) * (n + 1 - ties / (n * (n - 1)));
  if (variance <= 0) return 1;
  const z = Math.max(0, Math.abs(u - mean) - 0.5) / Math.sqrt(variance);
  return 2 * normalTail(z);
}

/** The share of a normal distribution above z (Abramowitz and Stegun 26.2.17; off by less than 1e-7). */
function normalTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const series =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
}

/** A result as `--json` wrote it. */
export function readResult(text: string, file: string): LoadResult {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsageError(`${file} is not JSON; tally load --json writes what this reads`);
  }
  const result = value as Partial<LoadResult> | null;
  if (result?.schema !== 1 || !result.latencyMs?.corrected || !Array.isArray(result.intervals))
    throw new UsageError(`${file} is not a result of tally load --json (schema 1)`);
  return result as LoadResult;
}

const WORDS: Record<Difference, string> = {
  same: 'the same',
  noise: 'within the noise',
  changed: '',
  unsteady: 'a few seconds make it',
  unknown: 'no telling: too few seconds',
  untested: 'not judged: one figure a run',
};

export function comparisonTable(compared: readonly Compared[], notes: readonly string[]): string {
  const format = (value: number, unit: Compared['unit']) =>
    unit === 'ms' ? `${ms(value)} ms` : unit === '%' ? `${value.toFixed(2)} %` : `${count(value)}/s`;
  const rows = compared.map(({ figure, before, after, unit, difference, better, chance }) => {
    const change =
      before === 0
        ? ''
        : `${after >= before ? '+' : '−'}${Math.abs(100 * (after / before - 1)).toFixed(1)} %`;
    const verdict =
      difference === 'changed'
        ? `${better ? 'better' : 'WORSE'} (chance ${chance! < 0.0001 ? '< 0.0001' : chance!.toFixed(4)})`
        : WORDS[difference];
    return `  ${figure.padEnd(9)}${format(before, unit).padStart(14)}${format(after, unit).padStart(14)}${change.padStart(11)}  ${verdict}`;
  });
  const named = (kind: Difference) =>
    compared.filter(({ difference }) => difference === kind).map(({ figure }) => figure);
  const [changed, unsteady, unknown] = [named('changed'), named('unsteady'), named('unknown')];
  const ends = [
    ...(changed.length > 0 ? [`more than noise: ${changed.join(', ')}`] : []),
    ...(unsteady.length > 0
      ? [`a few bad seconds make ${unsteady.join(', ')} differ: run again to see whether they come back`]
      : []),
    ...(unknown.length > 0
      ? [`no telling for ${unknown.join(', ')}: ${SECONDS_MIN + 1} seconds or more of each run are needed`]
      : []),
  ];
  if (ends.length === 0) ends.push('no difference beyond noise');
  return `${[...notes, `  ${''.padEnd(9)}${'before'.padStart(14)}${'after'.padStart(14)}`, ...rows, '', ...ends].join('\n')}\n`;
}

/**
 * Two runs side by side, and whether what differs is more than noise.
 *
 * The noise of a run is how much its seconds differ from each other. A figure has changed if its seconds in the one
 * run and in the other come apart so clearly that chance would do it less than once in a hundred times (the rank test
 * of Mann and Whitney, two-sided, with ties), and by more than 2 %: a difference can be certain and not matter. What
 * seconds of one run can't show is how much whole runs differ on that machine; the page says so.
 */
import { count, ms, UsageError } from './quantities.ts';
import type { Interval, LoadResult } from './result.ts';

export type Difference = 'same' | 'noise' | 'changed' | 'unknown';

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
/** Fewer seconds than this say nothing about noise. */
const SECONDS_MIN = 5;

export function compareRuns(before: LoadResult, after: LoadResult): Compared[] {
  const series = (
    figure: string,
    unit: Compared['unit'],
    higherIsBetter: boolean,
    whole: (run: LoadResult) => number,
    second: (interval: Interval) => number,
  ) =>
    compareFigure(
      { figure, unit, higherIsBetter, before: whole(before), after: whole(after) },
      wholeSeconds(before).map(second),
      wholeSeconds(after).map(second),
    );
  const tail = (figure: string, whole: (run: LoadResult) => number) =>
    compareFigure(
      { figure, unit: 'ms', higherIsBetter: false, before: whole(before), after: whole(after) },
      [],
      [],
    );
  const share = (figure: 'busy' | 'errors' | 'unknown' | 'unsent') => {
    const of = (run: LoadResult) => (100 * run[figure]) / Math.max(1, run.sent + run.unsent);
    return compareFigure(
      { figure, unit: '%', higherIsBetter: false, before: of(before), after: of(after) },
      [],
      [],
    );
  };
  return [
    series(
      'rate',
      '1/s',
      true,
      run => run.ratePerS,
      interval => interval.ratePerS,
    ),
    series(
      'p50',
      'ms',
      false,
      run => run.latencyMs.corrected.p50,
      interval => interval.p50Ms,
    ),
    series(
      'p99',
      'ms',
      false,
      run => run.latencyMs.corrected.p99,
      interval => interval.p99Ms,
    ),
    tail('p99.9', run => run.latencyMs.corrected.p999),
    tail('max', run => run.latencyMs.corrected.max),
    share('busy'),
    share('errors'),
    share('unknown'),
    share('unsent'),
  ];
}

/** The last one is seldom a whole second. */
function wholeSeconds(run: LoadResult): Interval[] {
  return run.intervals.slice(0, -1);
}

function compareFigure(
  figures: Pick<Compared, 'figure' | 'unit' | 'before' | 'after'> & { higherIsBetter: boolean },
  secondsBefore: number[],
  secondsAfter: number[],
): Compared {
  const { higherIsBetter, ...rest } = figures;
  const better = rest.after === rest.before ? undefined : rest.after > rest.before === higherIsBetter;
  if (rest.before === rest.after) return { ...rest, difference: 'same', better, chance: undefined };
  if (Math.min(secondsBefore.length, secondsAfter.length) < SECONDS_MIN)
    return { ...rest, difference: 'unknown', better, chance: undefined };
  const chance = rankTest(secondsBefore, secondsAfter);
  const matters = Math.abs(rest.after - rest.before) > MATTERS * Math.max(Math.abs(rest.before), 1e-9);
  return { ...rest, difference: chance < CHANCE_MAX && matters ? 'changed' : 'noise', better, chance };
}

/** How likely chance alone would part the two samples so far (Mann and Whitney's U, by the normal approximation). */
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
    throw new UsageError(`${file} is no result of tally load --json (schema 1)`);
  return result as LoadResult;
}

const WORDS: Record<Difference, string> = {
  same: 'the same',
  noise: 'within the noise',
  changed: '',
  unknown: 'no telling: too few seconds, or no measure of noise',
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
  const changed = compared.filter(({ difference }) => difference === 'changed');
  const summary =
    changed.length === 0
      ? 'no difference beyond noise'
      : `more than noise: ${changed.map(({ figure }) => figure).join(', ')}`;
  return `${[...notes, `  ${''.padEnd(9)}${'before'.padStart(14)}${'after'.padStart(14)}`, ...rows, '', summary].join('\n')}\n`;
}

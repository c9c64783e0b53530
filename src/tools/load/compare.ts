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
 * `untested`: a figure of whole runs only, whose noise two runs can't show. `absent`: one of them has no such figure.
 */
export type Difference = 'same' | 'noise' | 'changed' | 'unsteady' | 'unknown' | 'untested' | 'absent';

export interface Compared {
  figure: string;
  /** Null: there was no reply. */
  before: number | null;
  after: number | null;
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
  of: (run: LoadResult) => number | null;
  /** What it was in a second; undefined if that second had none. Without this there is no measure of its noise. */
  second?: (interval: Interval) => number | undefined;
}

/** Some results have zeros where there was no reply. */
const latencyOf = ({ latencyMs: { corrected } }: LoadResult, percentile: 'p50' | 'p99' | 'p999' | 'max') =>
  corrected.count === 0 ? null : corrected[percentile];
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
    of: run => latencyOf(run, 'p50'),
    second: interval => interval.p50Ms ?? undefined,
  },
  {
    figure: 'p99',
    unit: 'ms',
    higherIsBetter: false,
    of: run => latencyOf(run, 'p99'),
    second: interval => interval.p99Ms ?? undefined,
  },
  { figure: 'p99.9', unit: 'ms', higherIsBetter: false, of: run => latencyOf(run, 'p999') },
  { figure: 'max', unit: 'ms', higherIsBetter: false, of: run => latencyOf(run, 'max') },
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
  if (before === null || after === null)
    return { figure, unit, before, after, better: undefined, chance: undefined, difference: 'absent' };
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
  if ((value as Partial<LoadResult> | null)?.schema !== 1)
    throw new UsageError(`${file} is not a result of tally load --json (schema 1)`);
  const wrong = wrongPart(value);
  if (wrong !== undefined)
    throw new UsageError(`${file} is not whole: ${wrong}; tally load --json writes what this reads`);
  return value as LoadResult;
}

type Kind = 'a number' | 'a number or null' | 'an object' | 'a list' | 'a list of texts';

/** What is read of a result here. */
const PARTS: Record<string, Kind> = {
  plan: 'an object',
  machine: 'an object',
  problems: 'a list of texts',
  sent: 'a number',
  unsent: 'a number',
  busy: 'a number',
  errors: 'a number',
  unknown: 'a number',
  ratePerS: 'a number',
  'latencyMs.corrected.count': 'a number',
  'latencyMs.corrected.p50': 'a number or null',
  'latencyMs.corrected.p99': 'a number or null',
  'latencyMs.corrected.p999': 'a number or null',
  'latencyMs.corrected.max': 'a number or null',
  intervals: 'a list',
};
const INTERVAL_PARTS: Record<string, Kind> = {
  answered: 'a number',
  busy: 'a number',
  errors: 'a number',
  ratePerS: 'a number',
  p50Ms: 'a number or null',
  p99Ms: 'a number or null',
};

const IS: Record<Kind, (value: unknown) => boolean> = {
  'a number': Number.isFinite,
  'a number or null': value => value === null || Number.isFinite(value),
  'an object': value => typeof value === 'object' && value !== null && !Array.isArray(value),
  'a list': Array.isArray,
  'a list of texts': value => Array.isArray(value) && value.every(each => typeof each === 'string'),
};

/** In a sentence; undefined if all parts are right. */
function wrongPart(result: unknown, parts = PARTS, prefix = ''): string | undefined {
  for (const [path, kind] of Object.entries(parts)) {
    const value = path
      .split('.')
      .reduce<unknown>((part, name) => (part as Record<string, unknown> | null | undefined)?.[name], result);
    if (value === undefined) return `it has no ${prefix}${path}`;
    if (!IS[kind](value)) return `${prefix}${path} is not ${kind}`;
  }
  if (parts !== PARTS) return undefined;
  for (const [index, interval] of (result as LoadResult).intervals.entries()) {
    const wrong = wrongPart(interval, INTERVAL_PARTS, `intervals[${index}].`);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

const WORDS: Record<Difference, string> = {
  same: 'the same',
  noise: 'within the noise',
  changed: '',
  unsteady: 'a few seconds make it',
  unknown: 'no telling: too few seconds',
  untested: 'not judged: one figure a run',
  absent: 'no replies',
};

export function comparisonTable(compared: readonly Compared[], notes: readonly string[]): string {
  const format = (value: number | null, unit: Compared['unit']) =>
    value === null
      ? '–'
      : unit === 'ms'
        ? `${ms(value)} ms`
        : unit === '%'
          ? `${value.toFixed(2)} %`
          : `${count(value)}/s`;
  const rows = compared.map(({ figure, before, after, unit, difference, better, chance }) => {
    const change =
      before === 0 || before === null || after === null
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
  const absent = named('absent');
  const ends = [
    ...(changed.length > 0 ? [`more than noise: ${changed.join(', ')}`] : []),
    ...(unsteady.length > 0
      ? [`a few bad seconds make ${unsteady.join(', ')} differ: run again to see whether they come back`]
      : []),
    ...(unknown.length > 0
      ? [`no telling for ${unknown.join(', ')}: ${SECONDS_MIN + 1} seconds or more of each run are needed`]
      : []),
  ];
  if (absent.length > 0) ends.push(`nothing to compare of ${absent.join(', ')}: a run had no replies`);
  if (ends.length === 0) ends.push('no difference beyond noise');
  return `${[...notes, `  ${''.padEnd(9)}${'before'.padStart(14)}${'after'.padStart(14)}`, ...rows, '', ...ends].join('\n')}\n`;
}

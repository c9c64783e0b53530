/**
 * Conditions on the result of a run: `p99>5ms`, `busy>1%`, `rate<50000`. Used to fail a run (--fail-if) and to search
 * for the highest rate (--find-max).
 */
import { readCount, readDurationMs } from '../../cli/terminal/numbers.ts';
import { UsageError } from '../../cli/terminal/usage.ts';
import { type LoadResult, type Percentiles, VERDICTS, type Verdict } from './result.ts';

export interface Condition {
  text: string;
  of: 'latency' | 'rate' | 'count';
  /** Met by figures that are small. */
  isUpperLimit: boolean;
  /** The figure of a result; undefined if the run has none (no reply of that verdict). */
  figureOf: (result: LoadResult) => number | undefined;
  isMet: (value: number) => boolean;
}

const PERCENTILES: readonly (keyof Percentiles)[] = [
  'min',
  'mean',
  'p50',
  'p90',
  'p99',
  'p999',
  'p9999',
  'max',
];

const SHARES: Partial<Record<keyof Percentiles, number>> = {
  p50: 0.5,
  p90: 0.9,
  p99: 0.99,
  p999: 0.999,
  p9999: 0.9999,
  max: 1,
};

const COUNTS: Record<string, (result: LoadResult) => number> = {
  sent: result => result.sent,
  answered: result => result.answered,
  accepted: result => result.accepted,
  ok: result => result.ok,
  busy: result => result.busy,
  refused: result => result.refused,
  insufficient: result => result.insufficient,
  errors: result => result.errors,
  resent: result => result.resent,
  unknown: result => result.unknown,
  unsent: result => result.unsent,
  late: result => result.late,
  lost: result => result.money?.lostEvents ?? 0,
  surplus: result => result.money?.surplusEvents ?? 0,
};

const COMPARE: Record<string, (a: number, b: number) => boolean> = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

const EXAMPLES =
  "'p99>5ms', 'uncorrected.p99>5ms', 'accepted.p999>20ms', 'rate<50000', 'busy>1%' or 'errors>0'";

export function readCondition(text: string): Condition {
  const match = /^\s*([a-z0-9.]+)\s*(<=|>=|<|>)\s*([\d_.]+)\s*([a-zA-Z%]*)\s*$/.exec(text);
  if (!match) throw new UsageError(`"${text}" is not a condition, such as ${EXAMPLES}`);
  const [, figure, operator, number, unit] = match as unknown as [string, string, string, string, string];
  const compare = COMPARE[operator]!;
  const isUpperLimit = operator.startsWith('<');
  const parts = figure.split('.');
  const last = parts.pop()!;
  if (PERCENTILES.includes(last as keyof Percentiles)) {
    const limitMs = readDurationMs(`${number}${unit}`);
    if (limitMs === undefined || unit === '')
      throw new UsageError(`"${text}": a latency needs a unit, such as 5ms`);
    return {
      text,
      of: 'latency',
      isUpperLimit,
      figureOf: latencyOf(text, parts, last as keyof Percentiles),
      isMet: value => compare(value, limitMs),
    };
  }
  if (parts.length > 0) throw new UsageError(`"${text}": only latencies have parts; ${EXAMPLES}`);
  if (last === 'rate') {
    const limit = readCount(`${number}${unit}`);
    if (limit === undefined) throw new UsageError(`"${text}": a rate is a number of replies a second`);
    return {
      text,
      of: 'rate',
      isUpperLimit,
      figureOf: result => result.ratePerS,
      isMet: value => compare(value, limit),
    };
  }
  const count = Object.hasOwn(COUNTS, last) ? COUNTS[last] : undefined;
  if (count === undefined)
    throw new UsageError(
      `"${text}": there is no ${last}; there are ${[...PERCENTILES, 'rate', ...Object.keys(COUNTS)].join(', ')}`,
    );
  const isShare = unit === '%';
  const limit = readCount(isShare ? number : `${number}${unit}`);
  if (limit === undefined) throw new UsageError(`"${text}": ${number}${unit} is not a number`);
  // Shares are of all lines that were due.
  const figureOf = isShare
    ? (result: LoadResult) => (100 * count(result)) / Math.max(1, result.sent + result.unsent)
    : count;
  return { text, of: 'count', isUpperLimit, figureOf, isMet: value => compare(value, limit) };
}

/** `p99`, `accepted.p99`, `uncorrected.p99`, `uncorrected.accepted.p99`. */
function latencyOf(
  text: string,
  parts: string[],
  percentile: keyof Percentiles,
): (result: LoadResult) => number | undefined {
  const rest = [...parts];
  const kind =
    rest[0] === 'corrected' || rest[0] === 'uncorrected' ? (rest.shift() as 'corrected') : 'corrected';
  const verdict = rest.shift() as Verdict | undefined;
  if (rest.length > 0 || (verdict !== undefined && !VERDICTS.includes(verdict)))
    throw new UsageError(
      `"${text}": latencies are apart by ${VERDICTS.join(', ')}, and corrected or uncorrected`,
    );
  return result => {
    const latency = result.latencyMs[kind];
    const figures = verdict === undefined ? latency : latency.byVerdict[verdict];
    const figure = figures?.[percentile] ?? null;
    if (figures === undefined || figures.count === 0 || figure === null) return undefined;
    // Lines without a reply count as slower than any other: a percentile among them is infinite.
    const missing = verdict === undefined && kind === 'corrected' ? result.unsent + result.unknown : 0;
    const share = SHARES[percentile];
    if (share !== undefined && share * (figures.count + missing) > figures.count)
      return Number.POSITIVE_INFINITY;
    return figure;
  };
}

/** Evaluates the conditions. A condition without a figure is not met. */
export function judgeConditions(
  conditions: readonly Condition[],
  result: LoadResult,
): LoadResult['conditions'] {
  return conditions.map(({ text, figureOf, isMet }) => {
    const value = figureOf(result);
    return { condition: text, met: value !== undefined && isMet(value), value: value ?? null };
  });
}

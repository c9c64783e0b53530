/** Histograms in the detailed metrics: how many took less than each limit, and what came between two looks. Pure. */
import { ms } from '../../cli/terminal/numbers.ts';

/** So many were below `ms` (null: any), and not below that of the one before. */
export interface Time {
  ms: number | null;
  count: number;
}

export function isTimes(said: unknown, isFigure: (value: unknown) => boolean): said is Time[] {
  return (
    Array.isArray(said) &&
    said.every(each => isFigure(each?.count) && (each.ms === null || isFigure(each.ms)))
  );
}

export function grownTimes(before: readonly Time[], now: readonly Time[]): { ms: number; count: number }[] {
  const earlier = new Map(before.map(each => [each.ms, each.count]));
  return now.map(each => ({
    ms: each.ms ?? Number.POSITIVE_INFINITY,
    count: Math.max(0, each.count - (earlier.get(each.ms) ?? 0)),
  }));
}

/** The upper limit of the bucket in which it is; null where there is nothing. */
export function quantileOf(times: { ms: number; count: number }[], share: number): number | null {
  const sorted = [...times].sort((one, other) => one.ms - other.ms);
  const rank = share * sorted.reduce((sum, each) => sum + each.count, 0);
  if (rank === 0) return null;
  let below = 0;
  for (const each of sorted) {
    below += each.count;
    if (below >= rank) return each.ms;
  }
  return null;
}

/** `lastMs` is the last limit of the histogram. */
export function limitText(limitMs: number | null, lastMs: number): string {
  return limitMs === Number.POSITIVE_INFINITY ? `> ${ms(lastMs)}` : `< ${ms(limitMs)}`;
}

/**
 * Histograms of times, as the metrics have them: how many took how long between two views.
 */
import { milliseconds } from './format.js';

/** How many took how long between two views, from the fastest on. A limit of null is none. */
export function grownTimes(now, earlier) {
  const before = new Map(earlier.map(({ ms, count }) => [ms, count]));
  return now
    .map(({ ms, count }) => ({ limit: ms ?? Infinity, count: Math.max(0, count - (before.get(ms) ?? 0)) }))
    .sort((one, other) => one.limit - other.limit);
}

/** The limit in ms below which so many of them are; undefined if there are none. */
export function limitOf(times, share) {
  const rank = share * times.reduce((sum, { count }) => sum + count, 0);
  let below = 0;
  if (rank === 0) return undefined;
  for (const { limit, count } of times) {
    below += count;
    if (below >= rank) return limit;
  }
}

/** `beyond` is said where there is no limit. */
export function limitText(ms, beyond) {
  return ms === Infinity ? beyond : `< ${milliseconds(ms)} ms`;
}

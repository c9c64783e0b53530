/** The time of a history: milliseconds since this process began, and no two are the same. */

const LEAST_MS = 1e-4;
let last = 0;

export function timeNow(): number {
  last = Math.max(last + LEAST_MS, performance.now());
  return last;
}

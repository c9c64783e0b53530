/** Whether a call may be made: a bulkhead, a budget of retries, and a circuit breaker. */

/** At a time: no more than these can get stuck. */
const CALLS_MAX = 10;
/** Over time, all retries together are a tenth of the calls. */
const RETRIES_PER_CALL = 0.1;
const RETRIES_MAX = 5;
/** In a row; then nothing is called for a while. */
const FAILURES_MAX = 5;
const OPEN_MS = 500;

let underWay = 0;
let retries = RETRIES_MAX;
let failures = 0;
let openUntilMs = 0;

export function mayCall(isRetry: boolean): boolean {
  if (underWay >= CALLS_MAX || performance.now() < openUntilMs || (isRetry && retries < 1)) return false;
  // After the while one call goes through, to see. The others wait for how it ends.
  if (failures >= FAILURES_MAX) openUntilMs = performance.now() + OPEN_MS;
  retries = isRetry ? retries - 1 : Math.min(RETRIES_MAX, retries + RETRIES_PER_CALL);
  underWay += 1;
  return true;
}

/** Must follow each call. */
export function wasCalled(isAnswered: boolean): void {
  underWay -= 1;
  failures = isAnswered ? 0 : failures + 1;
  openUntilMs = failures < FAILURES_MAX ? 0 : performance.now() + OPEN_MS;
}

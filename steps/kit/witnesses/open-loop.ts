/**
 * Sends requests at a given rate, whether or not earlier ones were answered. `dueMs` is when each is due; one that
 * leaves early, as timers may fire up to a millisecond early, is due when it leaves.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** Stops at the first request that fails, and throws its error. */
export async function openLoop<T>(
  questions: number,
  ratePerS: number,
  ask: (index: number, dueMs: number) => Promise<T>,
): Promise<T[]> {
  const startMs = performance.now();
  const answers: Promise<T>[] = [];
  let hasFailed = false;
  for (let index = 0; index < questions && !hasFailed; index += 1) {
    const dueMs = startMs + (index * 1_000) / ratePerS;
    const aheadMs = dueMs - performance.now();
    if (aheadMs > 0) await sleep(aheadMs);
    const answer = ask(index, Math.min(dueMs, performance.now()));
    answer.catch(() => {
      hasFailed = true;
    });
    answers.push(answer);
  }
  return Promise.all(answers);
}

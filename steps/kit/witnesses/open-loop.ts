/** Sends requests at a given rate, whether or not earlier ones were answered; `dueMs` is when each is due. */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';

/** No timer is shorter. */
const TIMER_MS = 1;

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
    // Timers may fire a little before their time; the rest is waited for by turning the event loop.
    for (let aheadMs = dueMs - performance.now(); aheadMs > 0; aheadMs = dueMs - performance.now())
      await (aheadMs < TIMER_MS ? turn() : sleep(aheadMs));
    const answer = ask(index, dueMs);
    answer.catch(() => {
      hasFailed = true;
    });
    answers.push(answer);
  }
  return Promise.all(answers);
}

/** Sends requests at a given rate, whether or not earlier ones were answered; `dueMs` is when each is due. */
import { setTimeout as sleep } from 'node:timers/promises';

export async function openLoop<T>(
  questions: number,
  ratePerS: number,
  ask: (index: number, dueMs: number) => Promise<T>,
): Promise<T[]> {
  const startMs = performance.now();
  const answers: Promise<T>[] = [];
  for (let index = 0; index < questions; index += 1) {
    const dueMs = startMs + (index * 1_000) / ratePerS;
    const aheadMs = dueMs - performance.now();
    if (aheadMs > 0) await sleep(aheadMs);
    answers.push(ask(index, dueMs));
  }
  return Promise.all(answers);
}

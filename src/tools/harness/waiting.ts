/** Waiting with a deadline: until a condition holds, or for what comes in time. */
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 5;

/** Polls until the condition holds. Throws an error that names `what` when the time is over. */
export async function until(
  isReached: () => boolean | Promise<boolean>,
  what: string,
  deadlineMs = 10_000,
): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!(await isReached())) {
    if (performance.now() > endMs) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await sleep(LOOK_MS);
  }
}

/** The value, or undefined if it is not there in time. */
export async function within<Value>(limitMs: number, work: Promise<Value>): Promise<Value | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<undefined>(resolve => {
    timer = setTimeout(() => resolve(undefined), limitMs);
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waiting for NATS for a limited time: once, or again and again while it has no leader. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isNoStream, isPassing } from './refusal.ts';

const FIRST_MS = 50;
const DELAY_MS_MAX = 1_000;

/**
 * The result of `work`, which is done again, after growing pauses, as long as its error may pass by itself. After
 * `limitMs` the last error is thrown, at once one that does not pass.
 */
export async function patiently<Result>(
  work: () => Promise<Result>,
  limitMs: number,
  mayPass: (error: unknown) => boolean = isPassing,
): Promise<Result> {
  const endMs = performance.now() + limitMs;
  for (let delayMs = FIRST_MS; ; delayMs = Math.min(delayMs * 2, DELAY_MS_MAX)) {
    try {
      return await work();
    } catch (error) {
      if (!mayPass(error) || performance.now() + delayMs > endMs) throw error;
    }
    await sleep(delayMs);
  }
}

/** The same for what was made a moment ago, by this node or another: not every server of NATS knows of it at once. */
export function patientlyNew<Result>(work: () => Promise<Result>, limitMs: number): Promise<Result> {
  return patiently(work, limitMs, error => isPassing(error) || isNoStream(error));
}

/** The result, or undefined if it is not there in time; the work goes on. */
export async function inTime<Result>(work: Promise<Result>, limitMs: number): Promise<Result | undefined> {
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

/** The open descriptors of another process. */
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 20;
const SETTLE_MS_MAX = 5_000;

/** Undefined where there is no /proc, or no such process. */
export function descriptorsOf(pid: number): number | undefined {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return undefined;
  }
}

/** Waits a while for at most `expected`: the process sees the end of a connection later than its peer. */
export async function settledDescriptors(pid: number, expected: number): Promise<number | undefined> {
  const endMs = performance.now() + SETTLE_MS_MAX;
  while ((descriptorsOf(pid) ?? 0) > expected && performance.now() < endMs) await sleep(LOOK_MS);
  return descriptorsOf(pid);
}

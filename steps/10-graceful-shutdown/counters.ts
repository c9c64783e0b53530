/**
 * Counting what several threads do, in three ways. `lock`: one number each, and a lock around them. `shared`: one
 * number each, changed by atomic additions. `padded`: a number for each thread, on a cache line of its own, so that
 * no thread waits for another's; whoever reads adds them up.
 */
import { acquireWrite, createLock, type Lock, releaseWrite } from './lock.ts';

export type Counters = { way: string; counts: BigInt64Array; lock: Lock };

export const RECEIVED = 0;
export const PROCESSED = 1;
export const DROPPED = 2;
/** Of 8 bytes: a cache line has 64, and processors fetch them in pairs. */
const NUMBERS_PER_THREAD = 16;

export function createCounters(way: string, threads: number): Counters {
  const memory = new SharedArrayBuffer(threads * NUMBERS_PER_THREAD * 8);
  return { way, counts: new BigInt64Array(memory), lock: createLock() };
}

export function count({ way, counts, lock }: Counters, thread: number, what: number): void {
  if (way === 'padded') Atomics.add(counts, thread * NUMBERS_PER_THREAD + what, 1n);
  else if (way === 'shared') Atomics.add(counts, what, 1n);
  else {
    acquireWrite(lock);
    // Not plainly: whoever adds them up comes without the lock.
    Atomics.store(counts, what, counts[what]! + 1n);
    releaseWrite(lock);
  }
}

export function total({ counts }: Counters, what: number): number {
  let sum = 0n;
  for (let at = what; at < counts.length; at += NUMBERS_PER_THREAD) sum += Atomics.load(counts, at);
  return Number(sum);
}

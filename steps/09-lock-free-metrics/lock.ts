/**
 * A lock that many readers hold at a time, or one writer. Whoever comes draws a ticket and waits until its number is
 * served; a reader is then counted and lets the next one come, a writer waits until the readers have left. So
 * nobody is passed over, and nobody sleeps on: a sleeper waits only while the number it saw still stands.
 */
export type Lock = Int32Array;

const NEXT = 0;
const SERVED = 1;
const READERS = 2;

export function createLock(): Lock {
  return new Int32Array(new SharedArrayBuffer(12));
}

/** Blocks the thread until no writer has the lock. */
export function acquireRead(lock: Lock): void {
  waitUntil(lock, SERVED, Atomics.add(lock, NEXT, 1));
  Atomics.add(lock, READERS, 1);
  releaseWrite(lock);
}

export function releaseRead(lock: Lock): void {
  if (Atomics.sub(lock, READERS, 1) === 1) Atomics.notify(lock, READERS);
}

/** Blocks the thread until nobody else has the lock. */
export function acquireWrite(lock: Lock): void {
  waitUntil(lock, SERVED, Atomics.add(lock, NEXT, 1));
  waitUntil(lock, READERS, 0);
}

export function releaseWrite(lock: Lock): void {
  Atomics.add(lock, SERVED, 1);
  // All of them: only the one whose turn it is goes on, and nobody here knows which that is.
  Atomics.notify(lock, SERVED);
}

function waitUntil(lock: Lock, at: number, wanted: number): void {
  for (let seen = Atomics.load(lock, at); seen !== wanted; seen = Atomics.load(lock, at))
    Atomics.wait(lock, at, seen);
}

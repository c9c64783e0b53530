/**
 * A lock that one thread holds at a time. Whoever comes draws a ticket and waits until its number is served. So
 * nobody is passed over, and nobody sleeps on: a sleeper waits only while the number it saw still stands.
 */
export type Lock = Int32Array;

const NEXT = 0;
const SERVED = 1;

export function createLock(): Lock {
  return new Int32Array(new SharedArrayBuffer(8));
}

/** Blocks the thread until nobody else has the lock. */
export function acquire(lock: Lock): void {
  waitUntil(lock, SERVED, Atomics.add(lock, NEXT, 1));
}

export function release(lock: Lock): void {
  Atomics.add(lock, SERVED, 1);
  // All of them: only the one whose turn it is goes on, and nobody here knows which that is.
  Atomics.notify(lock, SERVED);
}

function waitUntil(lock: Lock, at: number, wanted: number): void {
  for (let seen = Atomics.load(lock, at); seen !== wanted; seen = Atomics.load(lock, at))
    Atomics.wait(lock, at, seen);
}

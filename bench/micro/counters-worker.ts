/**
 * One thread of the counters bench: counts in one of four ways, each a function of its own.
 */
import { answerWith, clockNs } from './thread.ts';

type Words = Int32Array<SharedArrayBuffer>;

export type Way = 'apart' | 'beside' | 'shared' | 'lock';

export interface CountersWork {
  way: Way;
  /** How often to count. */
  counts: number;
  words: Words;
  /** The word to count in. */
  word: number;
  /** The word of the lock; 0 again at the end. */
  lock: number;
}

export interface CountersAnswer {
  startNs: number;
  endNs: number;
}

const WARM_UP_COUNTS = 200_000;

type Count = (words: Words, word: number, counts: number, lock: number) => void;

const WAYS: Record<Way, Count> = {
  apart: countAlone,
  beside: countAlone,
  shared: countShared,
  lock: countLocked,
};

function run({ way, counts, words, word, lock }: CountersWork, meet: () => void): CountersAnswer {
  const count = WAYS[way];
  // In memory of its own, so that V8 has compiled the loop before the threads meet.
  const own = new Int32Array(new SharedArrayBuffer(words.byteLength));
  for (let part = 0; part < 10; part++) count(own, word, WARM_UP_COUNTS / 10, lock);
  meet();
  const startNs = clockNs();
  count(words, word, counts, lock);
  return { startNs, endNs: clockNs() };
}

/** A single writer needs no atomic addition: it knows the count, and only has to store it. */
function countAlone(words: Words, word: number, counts: number): void {
  let count = Atomics.load(words, word);
  for (let left = counts; left > 0; left--) {
    count += 1;
    Atomics.store(words, word, count);
  }
}

/** Several writers: the addition must be one step, or counts are lost. */
function countShared(words: Words, word: number, counts: number): void {
  for (let left = counts; left > 0; left--) Atomics.add(words, word, 1);
}

function countLocked(words: Words, word: number, counts: number, lock: number): void {
  for (let left = counts; left > 0; left--) {
    acquire(words, lock);
    // Plain memory: the lock's own atomics publish it to the next holder.
    words[word]! += 1;
    release(words, lock);
  }
}

const Lock = { free: 0, held: 1, contended: 2 } as const;

/** The third mutex of Ulrich Drepper's "Futexes Are Tricky": system calls only if a thread has to sleep. */
function acquire(words: Words, lock: number): void {
  let was = Atomics.compareExchange(words, lock, Lock.free, Lock.held);
  if (was === Lock.free) return;
  // A thread that has slept can't know whether others still sleep, so it takes the lock as contended.
  if (was !== Lock.contended) was = Atomics.exchange(words, lock, Lock.contended);
  while (was !== Lock.free) {
    Atomics.wait(words, lock, Lock.contended);
    was = Atomics.exchange(words, lock, Lock.contended);
  }
}

function release(words: Words, lock: number): void {
  if (Atomics.exchange(words, lock, Lock.free) === Lock.contended) Atomics.notify(words, lock, 1);
}

await answerWith(run);

/** The steps' queue, locks and counters, with real threads at them. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { until } from '../../src/tools/harness/waiting.ts';
import { createQueue, type Queue, tryPush } from '../../steps/05-bounded-queue/queue.ts';
import * as mutex from '../../steps/07-one-lock/lock.ts';
import { acquireRead, createLock, releaseRead } from '../../steps/08-sharded-locks/lock.ts';
import { createCounters, total } from '../../steps/09-lock-free-metrics/counters.ts';
import { stepOf } from '../../steps/kit/manifest.ts';
import type { LockWork } from './threads/locker.ts';
import { runThread } from './threads/start.ts';
import { createTable, INSIDE, LOG, LOG_NEXT, ONE, OTHER } from './threads/table.ts';
import { taskAt } from './threads/tasks.ts';

const TASKS = 12_000;
const ROUNDS = 4_000;
/** Where a running number starts: a little before it wraps, signed (at 2^31) and unsigned (at 2^32). */
const STARTS = [2 ** 31 - 1_000, -1_000];
const NEXT = 0;
const SERVED = 1;

const textOf = (step: number, file: string) =>
  readFileSync(fileURLToPath(new URL(`../../steps/${stepOf(step).folder}/${file}`, import.meta.url)), 'utf8');

describe('steps have the same letters', () => {
  test.each([
    ['queue.ts', [5, 6, 7, 8, 9, 10]],
    ['lock.ts', [8, 9, 10]],
    ['counters.ts', [9, 10]],
    ['lines.ts', [4, 5, 6, 7, 8, 9, 10]],
    ['work.ts', [4, 5, 6, 7, 8, 9, 10]],
    ['event.ts', [4, 5, 6, 7, 8]],
    ['event.ts', [9, 10]],
  ] as const)('in %s of steps %j', (file, [first, ...others]) => {
    for (const step of others) expect(textOf(step, file), `step ${step}`).toBe(textOf(first, file));
  });
});

function queueOf(capacity: number, start: number): Queue {
  const queue = createQueue(capacity);
  queue.numbers.fill(start);
  return queue;
}

describe('the queue', () => {
  test('brings every task once and in order, full or empty, over the ends of its numbers', async () => {
    const queues = [1, 2, 4].flatMap(capacity => STARTS.map(start => queueOf(capacity, start)));
    const verdict = runThread<number>('consumer.ts', { queues, tasks: TASKS }, 60_000);
    const sleeper = new Int32Array(new SharedArrayBuffer(4));
    for (const queue of queues) {
      let pushedMs = performance.now();
      for (let at = 0; at < TASKS; ) {
        if (tryPush(queue, taskAt(at))) {
          at += 1;
          pushedMs = performance.now();
          // On a busy machine the consumer needs this core to make room.
        } else if (performance.now() - pushedMs > 1) Atomics.wait(sleeper, 0, 0, 0.1);
        if (performance.now() - pushedMs > 10_000) throw new Error(`full for ever at task ${at}`);
        // Lets the consumer run dry now and then, and fall asleep.
        if (at % 1_000 === 0) await new Promise(resolve => setImmediate(resolve));
      }
    }
    expect(await verdict).toBe(0);
  }, 60_000);

  test.each([1, 2, 4, 1024])('of %i takes so many tasks, and not one more', capacity => {
    for (const start of STARTS) {
      const queue = queueOf(capacity, start);
      for (let at = 0; at < capacity; at++) expect(tryPush(queue, taskAt(at))).toBe(true);
      expect(tryPush(queue, taskAt(0))).toBe(false);
    }
  });
});

interface Found {
  wrong: number;
  done: number;
}

/** Runs these side by side, and starts them together. */
function lockers(lock: Int32Array, table: Int32Array, works: Partial<LockWork>[]): Promise<Found[]> {
  const rest = { lock, table, rounds: ROUNDS, together: works.length };
  return Promise.all(works.map(work => runThread<Found>('locker.ts', { ...rest, ...work })));
}

const works = (...kinds: LockWork['kind'][]) => kinds.map(kind => ({ kind }));

function lockStartingAt(lock: Int32Array, start: number): Int32Array {
  lock[NEXT] = start;
  lock[SERVED] = start;
  return lock;
}

describe('the lock of step 7', () => {
  test.each(STARTS)('lets one of four in at a time, its tickets starting at %i', async start => {
    const table = createTable();
    const lock = lockStartingAt(mutex.createLock(), start);
    const found = await lockers(lock, table, works('mutex', 'mutex', 'mutex', 'mutex'));
    expect(found.map(({ wrong }) => wrong)).toEqual([0, 0, 0, 0]);
    expect([table[ONE], table[OTHER], table[INSIDE]]).toEqual([4 * ROUNDS, 4 * ROUNDS, 0]);
  });
});

describe('the read-write lock of step 8', () => {
  test.each(STARTS)('keeps writers alone, its tickets starting at %i', async start => {
    const table = createTable();
    const lock = lockStartingAt(createLock(), start);
    const found = await lockers(lock, table, works('writer', 'writer', 'reader', 'reader'));
    expect(found.map(({ wrong }) => wrong)).toEqual([0, 0, 0, 0]);
    expect([table[ONE], table[OTHER], table[INSIDE]]).toEqual([2 * ROUNDS, 2 * ROUNDS, 0]);
    expect(lock[NEXT]).toBe(lock[SERVED]);
  });

  test('lets three readers in side by side', async () => {
    const work = { lock: createLock(), table: createTable(), readers: 3 };
    const met = await Promise.all([1, 2, 3].map(() => runThread<string>('meeter.ts', work)));
    expect(met).toEqual(['met', 'met', 'met']);
  });

  test('lets nobody in before a writer that came earlier', async () => {
    const lock = createLock();
    const table = createTable();
    acquireRead(lock);
    const one = { lock, table, rounds: 1, together: 1 };
    const writer = runThread<Found>('locker.ts', { ...one, kind: 'writer' });
    await until(() => Atomics.load(lock, NEXT) === 2, 'the writer to come');
    const reader = runThread<Found>('locker.ts', { ...one, kind: 'reader' });
    await until(() => Atomics.load(lock, NEXT) === 3, 'the reader to come');
    expect(Atomics.load(table, LOG_NEXT)).toBe(0);
    releaseRead(lock);
    await Promise.all([writer, reader]);
    expect([table[LOG], table[LOG + 1]]).toEqual([1, 2]);
  });

  test('lets a writer in again and again while three readers never stop', async () => {
    const reader = { kind: 'reader', untilGone: 1 } as const;
    const works = [{ kind: 'writer', rounds: 1_000 } as const, reader, reader, reader];
    const [writer, ...readers] = await lockers(createLock(), createTable(), works);
    expect(writer).toEqual({ wrong: 0, done: 1_000 });
    for (const { wrong, done } of readers) {
      expect(wrong).toBe(0);
      expect(done).toBeGreaterThan(0);
    }
  });
});

describe('the counters of step 9', () => {
  test('lose nothing that four threads count, in any of the three ways', async () => {
    const ways = ['padded', 'shared', 'lock'].map(way => createCounters(way, 4));
    const times = 9_000;
    await Promise.all([0, 1, 2, 3].map(thread => runThread('counter.ts', { ways, thread, times })));
    for (const counters of ways)
      expect([0, 1, 2].map(what => total(counters, what))).toEqual([12_000, 12_000, 12_000]);
  });
});

import { once } from 'node:events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createMemory, laneOf, type Shape } from '../../src/engine/memory-layout.ts';
import { Bell, Rester } from '../../src/engine/wakeup.ts';
import { Word } from '../../src/engine/words.ts';
import type { SleeperWork } from './threads/sleeper.ts';
import { startThread } from './threads/start.ts';

const AWAKE = 0;
const NAPPING = 1;
const PARKED = 2;
/** More rests than a rester naps before it parks. */
const RESTS_UNTIL_PARKED = 50;

const shape: Shape = { workers: 1, ringSlots: 8, balanceSlots: 8, workUs: 0, workKind: 'cpu' };

function restPlace() {
  const buffer = createMemory(shape);
  return { buffer, words: laneOf(buffer, shape, 0).words };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('the bell', () => {
  /** Notifications and changes of the bell that the rings caused, with the worker resting as `rest` says. */
  function ringing(rest: number, isUrgent: boolean, rings = 1) {
    const { words } = restPlace();
    const bell = new Bell(words);
    const notify = vi.spyOn(Atomics, 'notify');
    Atomics.store(words, Word.rest, rest);
    for (let ring = 0; ring < rings; ring++) bell.notify(isUrgent);
    const notified = notify.mock.calls.length;
    notify.mockRestore();
    return { notified, bell: Atomics.load(words, Word.bell) };
  }

  test('does not ring for a worker that is awake', () => {
    expect(ringing(4 | AWAKE, false)).toEqual({ notified: 0, bell: 0 });
    expect(ringing(4 | AWAKE, true)).toEqual({ notified: 0, bell: 0 });
  });

  test('rings for a parked worker', () => {
    expect(ringing(4 | PARKED, false)).toEqual({ notified: 1, bell: 1 });
  });

  test('rings for a napping worker only when it is urgent', () => {
    expect(ringing(4 | NAPPING, false)).toEqual({ notified: 0, bell: 0 });
    expect(ringing(4 | NAPPING, true)).toEqual({ notified: 1, bell: 1 });
  });

  test('rings once a rest, however much is published', () => {
    expect(ringing(4 | PARKED, false, 100)).toEqual({ notified: 1, bell: 1 });
    expect(ringing(4 | NAPPING, true, 100)).toEqual({ notified: 1, bell: 1 });
  });

  test('rings again for the next rest, and for every rest on the way round 32 bits', () => {
    const { words } = restPlace();
    const bell = new Bell(words);
    for (const [index, ticket] of [4, 8, 2 ** 31 - 4, -(2 ** 31), -4, 0, 4].entries()) {
      Atomics.store(words, Word.rest, ticket | PARKED);
      bell.notify(false);
      bell.notify(true);
      expect(Atomics.load(words, Word.bell), `ticket ${ticket}`).toBe(index + 1);
    }
  });
});

describe('a resting worker', () => {
  test('does not sleep when there is work', () => {
    const { words } = restPlace();
    const wait = vi.spyOn(Atomics, 'wait');
    const rester = new Rester(words, () => true);
    for (let rest = 0; rest < RESTS_UNTIL_PARKED; rest++) rester.waitForWork();
    expect(wait).not.toHaveBeenCalled();
    expect(Atomics.load(words, Word.lateWakes)).toBe(0);
    expect(Atomics.load(words, Word.rest) & 3).toBe(AWAKE);
  });

  test('naps before it parks, and says so before it looks for work', () => {
    const { words } = restPlace();
    const kinds: number[] = [];
    const rester = new Rester(words, () => {
      kinds.push(Atomics.load(words, Word.rest) & 3);
      return true;
    });
    for (let rest = 0; rest < RESTS_UNTIL_PARKED; rest++) rester.waitForWork();
    const naps = kinds.lastIndexOf(NAPPING) + 1;
    expect(naps).toBeGreaterThan(0);
    expect(kinds).toEqual(kinds.map((_, rest) => (rest < naps ? NAPPING : PARKED)).slice(0, kinds.length));
    expect(Atomics.load(words, Word.naps)).toBe(naps);
    expect(kinds).toContain(PARKED);
    rester.worked();
    rester.waitForWork();
    expect(kinds.findLast(kind => kind !== AWAKE)).toBe(NAPPING);
  });

  test('uses every ticket once, and its successor goes on behind', () => {
    const { words } = restPlace();
    const tickets: number[] = [];
    const look = () => {
      tickets.push(Atomics.load(words, Word.rest) >> 2);
      return true;
    };
    for (let life = 0; life < 3; life++) {
      const rester = new Rester(words, look);
      for (let rest = 0; rest < 5; rest++) {
        rester.waitForWork();
        rester.worked();
      }
    }
    expect(tickets).toEqual(Array.from({ length: 15 }, (_, rest) => rest + 1));
  });

  test('is not left sleeping by work that comes between its look and its wait', () => {
    const { words } = restPlace();
    const bell = new Bell(words);
    let isParked = false;
    const rester = new Rester(words, () => {
      isParked = (Atomics.load(words, Word.rest) & 3) === PARKED;
      if (isParked) {
        // The producer, between the look (which found nothing) and the wait.
        Atomics.store(words, Word.tail, 1);
        bell.notify(false);
      }
      return false;
    });
    const wait = vi.spyOn(Atomics, 'wait');
    for (let rest = 0; rest < RESTS_UNTIL_PARKED && !isParked; rest++) rester.waitForWork();
    expect(isParked).toBe(true);
    expect(wait.mock.results.at(-1)).toEqual({ type: 'return', value: 'not-equal' });
    expect(Atomics.load(words, Word.lateWakes)).toBe(0);
  });

  test('counts a wake-up that never came', () => {
    const { words } = restPlace();
    let hasWork = false;
    const rester = new Rester(words, () => {
      const had = hasWork;
      if ((Atomics.load(words, Word.rest) & 3) === PARKED) hasWork = true;
      return had;
    });
    for (let rest = 0; rest < RESTS_UNTIL_PARKED && !hasWork; rest++) rester.waitForWork();
    expect(Atomics.load(words, Word.lateWakes)).toBe(1);
  });

  test('counts none that was on its way when the time ran out', () => {
    const { words } = restPlace();
    const bell = new Bell(words);
    let hasWork = false;
    const rester = new Rester(words, () => hasWork);
    const wait = Atomics.wait.bind(Atomics) as (...of: unknown[]) => 'ok' | 'not-equal' | 'timed-out';
    const spy = vi.spyOn(Atomics, 'wait').mockImplementation(((...of: unknown[]) => {
      const isParked = (Atomics.load(words, Word.rest) & 3) === PARKED;
      if (!isParked) return wait(...of);
      if (hasWork) {
        // The producer's look at the rest word, which came a little after its work.
        bell.notify(false);
        return wait(...of);
      }
      hasWork = true;
      return 'timed-out';
    }) as typeof Atomics.wait);
    for (let rest = 0; rest < RESTS_UNTIL_PARKED; rest++) rester.waitForWork();
    spy.mockRestore();
    expect(hasWork).toBe(true);
    expect(Atomics.load(words, Word.lateWakes)).toBe(0);
  });
});

describe('two threads', () => {
  const modes = [
    { what: 'a worker that only parks', rounds: 20_000, naps: false, isUrgent: false },
    { what: 'a napping worker, always urgently', rounds: 20_000, naps: true, isUrgent: true },
  ];

  test.each(modes)('no wake-up is lost in $rounds rounds: $what', async ({ rounds, naps, isUrgent }) => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const { buffer, words } = restPlace();
    const bell = new Bell(words);
    const notify = vi.spyOn(Atomics, 'notify');
    const work: SleeperWork = { buffer, rounds, seed, naps };
    const thread = startThread('sleeper.ts', work);
    try {
      await once(thread, 'message');
      const done = once(thread, 'message');
      let random = seed;
      let slowestMs = 0;
      for (let round = 1; round <= rounds; round++) {
        random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
        for (let spins = (random >>> 16) & 0x7ff; spins > 0; spins--) Atomics.load(words, Word.head);
        Atomics.store(words, Word.tail, round);
        bell.notify(isUrgent);
        const startMs = performance.now();
        while (Atomics.load(words, Word.head) !== round) {
          if (performance.now() - startMs > 5_000)
            throw new Error(`round ${round} was not noticed in 5 s, seed ${seed}`);
        }
        slowestMs = Math.max(slowestMs, performance.now() - startMs);
      }
      await done;
      expect(Atomics.load(words, Word.lateWakes), `seed ${seed}, slowest ${slowestMs} ms`).toBe(0);
      expect(notify.mock.calls.length, `seed ${seed}`).toBeLessThanOrEqual(rounds);
      expect(notify.mock.calls.length, `seed ${seed}`).toBeGreaterThan(0);
    } finally {
      await thread.terminate();
    }
  });

  test('what is published all at once costs one notification a rest', async () => {
    const { buffer, words } = restPlace();
    const bell = new Bell(words);
    const work: SleeperWork = { buffer, rounds: 1_000, seed: 1, naps: false };
    const thread = startThread('sleeper.ts', work);
    try {
      await once(thread, 'message');
      const done = once(thread, 'message');
      const endMs = performance.now() + 10_000;
      const notify = vi.spyOn(Atomics, 'notify');
      for (let tail = 1; tail <= 1_000; tail++) {
        Atomics.store(words, Word.tail, tail);
        bell.notify(false);
        while (tail % 100 === 0 && Atomics.load(words, Word.head) !== tail)
          if (performance.now() > endMs) throw new Error(`${tail} was not noticed`);
      }
      await done;
      const rests = Atomics.load(words, Word.parks) + Atomics.load(words, Word.naps);
      expect(notify.mock.calls.length).toBeLessThanOrEqual(rests);
      expect(Atomics.load(words, Word.lateWakes)).toBe(0);
    } finally {
      await thread.terminate();
    }
  });
});

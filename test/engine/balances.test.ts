import { afterEach, describe, expect, test, vi } from 'vitest';
import { Balances } from '../../src/engine/balances.ts';
import { OVERFLOWED } from '../../src/engine/deciding.ts';
import { Consumer } from '../../src/engine/ring.ts';
import { Before, RUN_EVENTS_MAX, Word } from '../../src/engine/words.ts';
import { expected, MAX, memoryWith, stateOf, USERS, work } from './applying.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('applying', () => {
  test('is exact beyond 2^31, up to both ends of the range; one more is refused and counted', () => {
    const events = [
      { user: 0, amount: 2 ** 31 - 1, ask: 1 },
      { user: 0, amount: 1, ask: 2 },
      { user: 0, amount: MAX - 2 ** 31, ask: 3 },
      { user: 0, amount: 1, ask: 4 },
      { user: 0, amount: 0, ask: 5 },
      { user: 1, amount: -MAX, ask: 6 },
      { user: 1, amount: -1, ask: 7 },
      { user: 1, amount: -MAX, ask: 8 },
      { user: 0, amount: -1, ask: 9 },
      { user: 0, amount: -MAX, ask: 10 },
    ];
    const { buffer, shape } = memoryWith(events);
    work(buffer);
    const { balances, answers, processed, overflowed } = stateOf(buffer, shape);
    expect(balances).toEqual([-1, -MAX, 0, 0]);
    expect(answers.slice(0, 10)).toEqual([
      2 ** 31 - 1,
      2 ** 31,
      MAX,
      OVERFLOWED,
      MAX,
      -MAX,
      OVERFLOWED,
      OVERFLOWED,
      MAX - 1,
      -1,
    ]);
    expect({ processed, overflowed }).toEqual({ processed: 6, overflowed: 3 });
  });

  test('says whether somebody asked', () => {
    const { buffer, shape, lane } = memoryWith([
      { user: 0, amount: 5, ask: 0 },
      { user: 0, amount: 5, ask: 1 },
      { user: 0, amount: 5, ask: 0 },
      { user: 0, amount: 0, ask: 2 },
    ]);
    const balances = new Balances(buffer, shape, 0, new Consumer(lane));
    expect([balances.applyRun(1), balances.applyRun(2), balances.applyRun(1)]).toEqual([false, true, true]);
  });

  test('shows the counts, and gives the slots back, after every run', () => {
    const events = Array.from({ length: 7 }, (_, index) => ({ user: index % 2, amount: MAX, ask: 0 }));
    const first = 2 ** 31 - 4;
    const { buffer, shape, lane } = memoryWith(events, first);
    const balances = new Balances(buffer, shape, 0, new Consumer(lane));
    let done = 0;
    for (const count of [1, 2, 3, 1]) {
      balances.applyRun(count);
      done += count;
      const { answers, ...state } = stateOf(buffer, shape);
      expect(answers).toHaveLength(8);
      const { answers: _, ...wanted } = expected(events.slice(0, done), first);
      expect(state).toEqual(wanted);
    }
  });

  test('a run may be as long as the copy of the balances before it, and a worker makes none longer', () => {
    const events = Array.from({ length: 2 * RUN_EVENTS_MAX + 1 }, (_, index) => ({
      user: index % USERS,
      amount: index + 1,
      ask: 0,
    }));
    const { buffer, shape, lane } = memoryWith(events);
    const balances = new Balances(buffer, shape, 0, new Consumer(lane));
    balances.applyRun(RUN_EVENTS_MAX);
    expect(stateOf(buffer, shape)).toMatchObject({ processed: RUN_EVENTS_MAX, overflowed: 0 });
    // The counts before a run lie behind the balances before it.
    expect([lane.before[Before.processed], lane.before[Before.overflowed]]).toEqual([0, 0]);

    const heads: number[] = [];
    const store = Atomics.store.bind(Atomics) as (...of: unknown[]) => unknown;
    vi.spyOn(Atomics, 'store').mockImplementation(((...of: unknown[]) => {
      if (of[1] === Word.head && (of[0] as ArrayBufferView).byteOffset === lane.words.byteOffset)
        heads.push(of[2] as number);
      return store(...of);
    }) as typeof Atomics.store);
    work(buffer);
    expect(heads).toEqual([2 * RUN_EVENTS_MAX, 2 * RUN_EVENTS_MAX + 1]);
    const { answers: _, ...wanted } = expected(events);
    expect(stateOf(buffer, shape)).toMatchObject(wanted);
  });
});

import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Balances } from '../../src/engine/balances.ts';
import { Lane } from '../../src/engine/lane.ts';
import { createMemory, laneOf, type Shape } from '../../src/engine/memory-layout.ts';
import { Consumer } from '../../src/engine/ring.ts';
import { RUN_EVENTS_MAX, Word } from '../../src/engine/words.ts';

const STARTS = [0, 2 ** 31 - 5, 2 ** 32 - 5];
const NAPPING = 4 | 1;
const PARKED = 8 | 2;

/** A lane, and a worker that works only when it is told to. */
function laneWith(ringSlots: number, first = 0) {
  const shape: Shape = { workers: 1, ringSlots, balanceSlots: 8, workUs: 0, workKind: 'cpu' };
  const buffer = createMemory(shape, first);
  const { words } = laneOf(buffer, shape, 0);
  const lane = new Lane(laneOf(buffer, shape, 0));
  const consumer = new Consumer(laneOf(buffer, shape, 0));
  const balances = new Balances(buffer, shape, 0, consumer);
  const work = (most = RUN_EVENTS_MAX) => {
    const count = Math.min(most, consumer.available());
    if (count > 0) balances.applyRun(count);
    return count;
  };
  return { lane, words, work };
}

/** Asks, and keeps the answers. False if there was no room. */
function asking(lane: Lane) {
  const answers: number[] = [];
  const ask = (amount: number): boolean => {
    const position = lane.tryAsk(0, amount);
    if (position !== undefined) position.waiter = { reached: () => void answers.push(position.balance) };
    return position !== undefined;
  };
  return { answers, ask };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(STARTS)('asks on a lane whose sequences start at %i', first => {
  test('use the places for answers again over many laps', () => {
    const { lane, work } = laneWith(4, first);
    const { answers, ask } = asking(lane);
    for (let event = 1; event <= 1_000; event++) {
      expect(ask(1)).toBe(true);
      lane.publish();
      work();
    }
    lane.collect();
    expect(answers).toEqual(Array.from({ length: 1_000 }, (_, event) => event + 1));
  });

  test('are taken as long as there is room, and not beyond', () => {
    const { lane, work } = laneWith(8, first);
    const { answers, ask } = asking(lane);
    for (let event = 0; event < 8; event++) expect(ask(1)).toBe(true);
    expect(ask(1)).toBe(false);
    lane.publish();
    expect(work(3)).toBe(3);
    for (let event = 0; event < 3; event++) expect(ask(1)).toBe(true);
    expect(ask(1)).toBe(false);
    lane.publish();
    work();
    lane.collect();
    expect(answers).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });
});

describe('a lane', () => {
  test('tells nobody before the worker has passed the event', () => {
    const { lane, work } = laneWith(8);
    const { answers, ask } = asking(lane);
    ask(5);
    lane.collect();
    lane.publish();
    lane.collect();
    expect(answers).toEqual([]);
    work();
    lane.collect();
    lane.collect();
    expect(answers).toEqual([5]);
  });

  test.each([1, 2, 3])(
    'gives no place away whose answer was not collected, though room is made after look %i',
    look => {
      const { lane, work } = laneWith(2);
      const { answers, ask } = asking(lane);
      ask(1);
      ask(10);
      lane.publish();
      // The worker passes the first event just after the lane has looked at the head so many times.
      const load = Atomics.load.bind(Atomics) as (...of: unknown[]) => number;
      let looks = 0;
      const spy = vi.spyOn(Atomics, 'load').mockImplementation(((words: Int32Array, word: number) => {
        const value = load(words, word);
        if (word === Word.head && ++looks === look) work(1);
        return value;
      }) as typeof Atomics.load);
      const isIn = ask(100);
      spy.mockRestore();
      lane.publish();
      work();
      lane.collect();
      expect(answers).toEqual(isIn ? [1, 11, 111] : [1, 11]);
    },
  );

  test('wakes a parked worker for anything, a napping one for an ask or a ring half full', () => {
    const { lane, words } = laneWith(8);
    const notified = (rest: number, push: () => void) => {
      Atomics.store(words, Word.rest, rest);
      const bell = Atomics.load(words, Word.bell);
      push();
      lane.publish();
      return Atomics.load(words, Word.bell) !== bell;
    };
    expect(notified(NAPPING, () => lane.tryPush(0, 1))).toBe(false);
    expect(notified(PARKED, () => lane.tryPush(0, 1))).toBe(true);
    expect(notified(NAPPING + 8, () => lane.tryAsk(0, 1))).toBe(true);
    expect(notified(NAPPING + 16, () => lane.tryPush(0, 1))).toBe(true);
    expect(notified(PARKED + 24, () => {})).toBe(false);
  });

  test('calls back for room when the worker has made progress, each caller once', async () => {
    const { lane, words, work } = laneWith(2);
    while (lane.tryPush(0, 1));
    lane.publish();
    const wanted = Atomics.load(words, Word.wanted);
    const called: string[] = [];
    lane.whenRoom(() => called.push('first'));
    lane.whenRoom(() => called.push('second'));
    await nextTurn();
    expect(called).toEqual([]);
    expect(Atomics.load(words, Word.wanted)).toBe(wanted + 2);
    work();
    lane.progressed();
    lane.progressed();
    expect(called).toEqual(['first', 'second']);
  });

  test('calls back for room soon, never at once, when there is room already', async () => {
    const { lane } = laneWith(2);
    const called: string[] = [];
    lane.whenRoom(() => called.push('called'));
    expect(called).toEqual([]);
    await nextTurn();
    expect(called).toEqual(['called']);
  });

  test('lets a caller that finds no room after all wait again', () => {
    const { lane, work } = laneWith(2);
    while (lane.tryPush(0, 1));
    lane.publish();
    let tries = 0;
    const retry = () => {
      tries += 1;
      if (tries < 3) lane.whenRoom(retry);
    };
    lane.whenRoom(retry);
    for (let progress = 0; progress < 5; progress++) lane.progressed();
    expect(tries).toBe(3);
    work();
  });

  test('acknowledges a message of the worker before it collects', () => {
    const { lane, words, work } = laneWith(4);
    const seen: number[] = [];
    lane.tryAsk(0, 1)!.waiter = { reached: () => void seen.push(Atomics.load(words, Word.acknowledged)) };
    lane.publish();
    work();
    Atomics.store(words, Word.messages, 7);
    lane.progressed();
    expect(seen).toEqual([7]);
  });
});

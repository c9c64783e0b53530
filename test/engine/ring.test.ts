import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createMemory, laneOf, type Shape } from '../../src/engine/memory-layout.ts';
import { Consumer, Producer } from '../../src/engine/ring.ts';
import { SLOT_WORDS } from '../../src/engine/words.ts';
import { amountAt, askAt, type RingWork, userAt } from './threads/ring-work.ts';
import { startThread } from './threads/start.ts';

const STARTS = [0, 2 ** 31 - 5, 2 ** 32 - 5];

interface Slot {
  user: number;
  ask: number;
  amount: number;
}

function ringOf(ringSlots: number, first: number) {
  const shape: Shape = { workers: 1, ringSlots, balanceSlots: 8, workUs: 0, workKind: 'cpu' };
  const buffer = createMemory(shape, first);
  const lane = laneOf(buffer, shape, 0);
  return { buffer, lane, producer: new Producer(lane), consumer: new Consumer(lane) };
}

function slotAt(consumer: Consumer, sequence: number): Slot {
  return {
    user: consumer.userAt(sequence),
    ask: consumer.askAt(sequence),
    amount: consumer.amountAt(sequence),
  };
}

const MAX = Number.MAX_SAFE_INTEGER;
const USER_MAX = 2 ** 30 - 1;
/** The numbers between which a slot's shape changes, and the ends of the range. */
const EDGES = [0, 1, -1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32, -(2 ** 32), MAX, -MAX];

describe.each(STARTS)('a ring whose sequences start at %i', first => {
  test.each([2, 16, 1024])('of %i slots is full at exactly so many', capacity => {
    const { producer, consumer } = ringOf(capacity, first);
    for (let pushed = 0; pushed < capacity; pushed++) {
      expect(producer.hasRoom()).toBe(true);
      expect(producer.tryPush(pushed, 0, 1)).toBe(true);
    }
    expect(producer.hasRoom()).toBe(false);
    expect(producer.tryPush(capacity, 0, 1)).toBe(false);
    producer.publish();
    expect(consumer.available()).toBe(capacity);
    consumer.release((consumer.head + 1) | 0);
    expect(producer.tryPush(capacity, 0, 1)).toBe(true);
    expect(producer.tryPush(capacity, 0, 1)).toBe(false);
  });

  test('a push that is refused changes nothing', () => {
    const { buffer, producer } = ringOf(8, first);
    while (producer.tryPush(1, 2, 3));
    const before = { memory: new Uint8Array(buffer).slice(), tail: producer.tail, depth: producer.depth };
    for (let again = 0; again < 3; again++) expect(producer.tryPush(4, 5, 6)).toBe(false);
    expect({ memory: new Uint8Array(buffer).slice(), tail: producer.tail, depth: producer.depth }).toEqual(
      before,
    );
  });

  test('nothing is visible before it is published, and all of it after', () => {
    const { producer, consumer } = ringOf(8, first);
    expect(producer.publish()).toBe(false);
    for (let pushed = 0; pushed < 6; pushed++) producer.tryPush(pushed, pushed + 1, -pushed);
    expect(consumer.available()).toBe(0);
    expect(producer.publish()).toBe(true);
    expect(consumer.available()).toBe(6);
    expect(producer.publish()).toBe(false);
    for (let read = 0; read < 6; read++)
      expect(slotAt(consumer, (first + read) | 0)).toEqual({ user: read, ask: read + 1, amount: -read });
  });

  test('both ends go on where others before them were', () => {
    const { lane, producer, consumer } = ringOf(8, first);
    for (let pushed = 0; pushed < 7; pushed++) producer.tryPush(pushed, 0, 1);
    producer.publish();
    consumer.release((consumer.head + 3) | 0);
    expect(new Consumer(lane).available()).toBe(4);
    expect(new Producer(lane).depth).toBe(4);
    expect(new Producer(lane).tail).toBe((first + 7) | 0);
  });
});

describe('a slot', () => {
  const cases = EDGES.flatMap(amount =>
    [0, 1, 1024, 2 ** 22].flatMap(ask => [0, 1, 12_345, USER_MAX].map(user => ({ user, ask, amount }))),
  );

  test.each(STARTS)('carries any user, any ask and any amount, whatever lay there before: from %i', first => {
    const { producer, consumer } = ringOf(2, first);
    let random = 1;
    // Every slot after an other one, in an order that mixes those with amounts beside the ring and those without.
    for (let round = 0; round < 4 * cases.length; round++) {
      random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
      const slot = cases[(random >>> 8) % cases.length]!;
      expect(producer.tryPush(slot.user, slot.ask, slot.amount)).toBe(true);
      producer.publish();
      expect(slotAt(consumer, consumer.head)).toEqual(slot);
      consumer.release((consumer.head + 1) | 0);
    }
  });

  test('is two words, and only one with an ask or a large amount has its amount beside the ring', () => {
    const { lane, producer } = ringOf(8, 0);
    expect(SLOT_WORDS).toBe(2);
    const usual = [1, -1, 2 ** 31 - 1, -(2 ** 31)];
    const wide = [2 ** 31, -(2 ** 31) - 1];
    lane.amounts.fill(0.5);
    for (const [slot, amount] of [...usual, ...wide].entries()) producer.tryPush(slot, 0, amount);
    producer.tryPush(6, 3, 0);
    producer.tryPush(USER_MAX, 0, 0);
    expect([...lane.amounts]).toEqual([0.5, 0.5, 0.5, 0.5, ...wide, 0, 0.5]);
    expect([...lane.slots].filter((_, word) => word % SLOT_WORDS === 0).map(word => word < 0)).toEqual([
      false,
      false,
      false,
      false,
      true,
      true,
      true,
      false,
    ]);
  });

  test('with an ask is an ask also when its amount is 0, and one without is none', () => {
    const { producer, consumer } = ringOf(4, 0);
    producer.tryPush(USER_MAX, 1, 0);
    producer.tryPush(USER_MAX, 0, 2 ** 31);
    producer.tryPush(USER_MAX, 0, 7);
    producer.publish();
    expect([0, 1, 2].map(sequence => slotAt(consumer, sequence))).toEqual([
      { user: USER_MAX, ask: 1, amount: 0 },
      { user: USER_MAX, ask: 0, amount: 2 ** 31 },
      { user: USER_MAX, ask: 0, amount: 7 },
    ]);
  });
});

describe('two threads', () => {
  test.each([
    [2, 2 ** 32 - 10_000, 20_000],
    [8, 2 ** 31 - 100_000, 200_000],
    [1024, 2 ** 32 - 500_000, 1_000_000],
  ])(
    'pass every event whole and in order over many laps and over the wrap: %i slots from %i',
    async (slots, first, events) => {
      const seed = Math.floor(Math.random() * 2 ** 31);
      const { buffer, producer } = ringOf(slots, first);
      const work: RingWork = { buffer, events, seed };
      const thread = startThread('ring-verifier.ts', work);
      try {
        await once(thread, 'message');
        const verdict = once(thread, 'message');
        let random = seed;
        for (let event = 0; event < events; ) {
          if (!producer.tryPush(userAt(event), askAt(event), amountAt(event))) {
            producer.publish();
            // Now and then others may run; mostly the ring is tried again at once.
            if ((random & 0x3ff) === 0) await nextTurn();
            random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
            continue;
          }
          event += 1;
          random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
          if (random >>> 28 === 0) producer.publish();
        }
        producer.publish();
        expect(await verdict, `seed ${seed}`).toEqual(['right']);
      } finally {
        await thread.terminate();
      }
    },
  );
});

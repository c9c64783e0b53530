/** The ring, both ends in one thread: it does what a plain array would do, full and empty, over every wrap. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { createMemory, type LaneMemory, laneOf, type Shape } from '../../src/engine/memory-layout.ts';
import { Consumer, Producer } from '../../src/engine/ring.ts';
import { stepsOf } from './step.ts';

interface Slot {
  user: number;
  ask: number;
  amount: number;
}

/** Pushed and not released, of which the first `visible` are published. */
interface Model {
  readonly capacity: number;
  slots: Slot[];
  visible: number;
}

interface Real {
  readonly lane: LaneMemory;
  producer: Producer;
  consumer: Consumer;
}

/** What must hold after every command. */
function expectSame({ slots, visible, capacity }: Model, { producer, consumer }: Real): void {
  assert.equal(consumer.available(), visible);
  for (let read = 0; read < visible; read++) {
    const sequence = (consumer.head + read) | 0;
    const [user, ask, amount] = [
      consumer.userAt(sequence),
      consumer.askAt(sequence),
      consumer.amountAt(sequence),
    ];
    assert.deepEqual({ user, ask, amount }, slots[read]);
  }
  // The copy of the head may lag: it can say full too early, never room too early.
  assert.ok(producer.depthSeen >= slots.length);
  assert.ok(producer.depthSeen <= capacity);
  assert.equal((producer.tail - consumer.head) | 0, slots.length);
}

const step = stepsOf(expectSame);

const push = ({ user, ask, amount }: Slot) =>
  step(`push(${JSON.stringify({ user, ask, amount })})`, ({ slots, capacity }, { producer }) => {
    const hasRoom = slots.length < capacity;
    assert.equal(producer.tryPush(user, ask, amount), hasRoom);
    if (hasRoom) slots.push({ user, ask, amount });
  });

const publish = step('publish', (model, { producer }) => {
  assert.equal(producer.publish(), model.visible < model.slots.length);
  model.visible = model.slots.length;
});

const release = (most: number) =>
  step(
    `release(${most})`,
    (model, { consumer }) => {
      const count = Math.min(most, model.visible);
      consumer.release((consumer.head + count) | 0);
      model.slots.splice(0, count);
      model.visible -= count;
    },
    ({ visible }) => visible > 0,
  );

/** The producer looks at the real head, which its copy then is. */
const lookForRoom = step('hasRoom', ({ slots, capacity }, { producer }) =>
  assert.equal(producer.hasRoom(), slots.length < capacity),
);
const lookAtDepth = step('depth', ({ slots }, { producer }) =>
  assert.deepEqual([producer.depth, producer.depthSeen], [slots.length, slots.length]),
);

/** A worker has died, and another one takes its end. */
const replaceConsumer = step('replaceConsumer', (_, real) => {
  real.consumer = new Consumer(real.lane);
});

/** As at the start: a producer knows what was published before it, and nothing of what was not. */
const replaceProducer = step('replaceProducer', (model, real) => {
  real.producer = new Producer(real.lane);
  model.slots.length = model.visible;
});

const MAX = Number.MAX_SAFE_INTEGER;
const USER_MAX = 2 ** 30 - 1;
/** The numbers between which a slot's shape changes, and the ends of the range. */
const EDGES = [0, 1, -1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32, -(2 ** 32), MAX, -MAX];

const slotArbitrary = fc.record({
  user: fc.oneof(fc.nat(USER_MAX), fc.constantFrom(0, 1, USER_MAX)),
  ask: fc.oneof(fc.constant(0), fc.nat(2 ** 22)),
  amount: fc.oneof(
    fc.integer({ min: -9, max: 9 }),
    fc.integer({ min: -MAX, max: MAX }),
    fc.constantFrom(...EDGES),
  ),
});
const pushArbitrary = slotArbitrary.map(push);

const commandsArbitrary = fc.commands<Model, Real>(
  [
    // Twice and more often than released: the ring shall be full now and then.
    pushArbitrary,
    pushArbitrary,
    pushArbitrary,
    pushArbitrary,
    fc.constant(publish),
    fc.constant(publish),
    fc.integer({ min: 1, max: 8 }).map(release),
    fc.integer({ min: 1, max: 8 }).map(release),
    fc.boolean().map(isForRoom => (isForRoom ? lookForRoom : lookAtDepth)),
    fc.constant(replaceConsumer),
    fc.constant(replaceProducer),
  ],
  { maxCommands: 120, size: 'max' },
);

/** At 0, and a few slots before the sequences change their sign, and before they wrap. */
const firstArbitrary = fc
  .tuple(fc.constantFrom(0, 2 ** 31, 2 ** 32), fc.nat(12))
  .map(([edge, before]) => Math.max(0, edge - before));

describe('a ring', () => {
  test('does what a plain array would do, wherever its sequences are', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(2, 4, 8),
        firstArbitrary,
        commandsArbitrary,
        (capacity, first, commands) => {
          const shape: Shape = {
            workers: 1,
            ringSlots: capacity,
            balanceSlots: 8,
            workUs: 0,
            workKind: 'cpu',
          };
          const lane = laneOf(createMemory(shape, first), shape, 0);
          const real = { lane, producer: new Producer(lane), consumer: new Consumer(lane) };
          fc.modelRun(() => ({ model: { capacity, slots: [], visible: 0 }, real }), commands);
        },
      ),
      { numRuns: 400 },
    );
  });
});

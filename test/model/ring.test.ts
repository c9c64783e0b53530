/** The ring, both ends in one thread: it does what a plain array would do, full and empty, over every wrap. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { createMemory, type Lane, laneOf, type Shape } from '../../src/engine/layout.ts';
import { Consumer, Producer } from '../../src/engine/ring.ts';

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
  readonly lane: Lane;
  producer: Producer;
  consumer: Consumer;
}
type Step = fc.Command<Model, Real>;

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

class Push implements Step {
  readonly #slot: Slot;

  constructor(slot: Slot) {
    this.#slot = slot;
  }

  check(): boolean {
    return true;
  }

  run(model: Model, real: Real): void {
    const { user, ask, amount } = this.#slot;
    const hasRoom = model.slots.length < model.capacity;
    assert.equal(real.producer.tryPush(user, ask, amount), hasRoom);
    if (hasRoom) model.slots.push(this.#slot);
    expectSame(model, real);
  }

  toString(): string {
    return `push(${JSON.stringify(this.#slot)})`;
  }
}

class Publish implements Step {
  check(): boolean {
    return true;
  }

  run(model: Model, real: Real): void {
    assert.equal(real.producer.publish(), model.visible < model.slots.length);
    model.visible = model.slots.length;
    expectSame(model, real);
  }

  toString(): string {
    return 'publish';
  }
}

class Release implements Step {
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  check({ visible }: Model): boolean {
    return visible > 0;
  }

  run(model: Model, real: Real): void {
    const count = Math.min(this.#most, model.visible);
    real.consumer.release((real.consumer.head + count) | 0);
    model.slots.splice(0, count);
    model.visible -= count;
    expectSame(model, real);
  }

  toString(): string {
    return `release(${this.#most})`;
  }
}

/** The producer looks at the real head, which its copy then is. */
class LookAtDepth implements Step {
  readonly #isForRoom: boolean;

  constructor(isForRoom: boolean) {
    this.#isForRoom = isForRoom;
  }

  check(): boolean {
    return true;
  }

  run(model: Model, real: Real): void {
    const { producer } = real;
    if (this.#isForRoom) assert.equal(producer.hasRoom(), model.slots.length < model.capacity);
    else assert.deepEqual([producer.depth, producer.depthSeen], [model.slots.length, model.slots.length]);
    expectSame(model, real);
  }

  toString(): string {
    return this.#isForRoom ? 'hasRoom' : 'depth';
  }
}

/** A worker has died, and another one takes its end. */
class ReplaceConsumer implements Step {
  check(): boolean {
    return true;
  }

  run(model: Model, real: Real): void {
    real.consumer = new Consumer(real.lane);
    expectSame(model, real);
  }

  toString(): string {
    return 'replaceConsumer';
  }
}

/** As at the start: a producer knows what was published before it, and nothing of what was not. */
class ReplaceProducer implements Step {
  check(): boolean {
    return true;
  }

  run(model: Model, real: Real): void {
    real.producer = new Producer(real.lane);
    model.slots.length = model.visible;
    expectSame(model, real);
  }

  toString(): string {
    return 'replaceProducer';
  }
}

const MAX = Number.MAX_SAFE_INTEGER;
const USER_MAX = 2 ** 31 - 1;
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
const pushArbitrary = slotArbitrary.map(slot => new Push({ ...slot }));

const commandsArbitrary = fc.commands<Model, Real>(
  [
    // Twice and more often than released: the ring shall be full now and then.
    pushArbitrary,
    pushArbitrary,
    pushArbitrary,
    pushArbitrary,
    fc.constant(new Publish()),
    fc.constant(new Publish()),
    fc.integer({ min: 1, max: 8 }).map(most => new Release(most)),
    fc.integer({ min: 1, max: 8 }).map(most => new Release(most)),
    fc.boolean().map(isForRoom => new LookAtDepth(isForRoom)),
    fc.constant(new ReplaceConsumer()),
    fc.constant(new ReplaceProducer()),
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

/**
 * Balances: a lane, and a worker that applies what lies in it and dies between runs and within them, are what a map of
 * big integers is.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { Balances } from '../../src/engine/balances.ts';
import { OVERFLOWED } from '../../src/engine/deciding.ts';
import { Lane } from '../../src/engine/lane.ts';
import { balancesOf, createMemory, laneOf, type Shape } from '../../src/engine/memory-layout.ts';
import { dies, MortalConsumer } from './hand-worker.ts';
import { stepsOf } from './step.ts';

const MAX = Number.MAX_SAFE_INTEGER;
const LIMIT = BigInt(MAX);
const USERS = 4;

interface Event {
  user: number;
  /** 0 only reads the balance. */
  amount: number;
  isAsked: boolean;
}

class Model {
  readonly capacity: number;
  /** In the ring, of which the first `visible` are published. */
  ring: Event[] = [];
  visible = 0;
  balances = new Map<number, bigint>();
  processed = 0;
  overflowed = 0;
  /** What was applied and asked about, of which the askers have heard the first `told`. */
  answers: number[] = [];

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  apply(count: number): void {
    for (const { user, amount, isAsked } of this.ring.splice(0, count)) {
      const sum = (this.balances.get(user) ?? 0n) + BigInt(amount);
      const isOver = sum > LIMIT || sum < -LIMIT;
      if (!isOver) this.balances.set(user, sum);
      if (amount !== 0 && isOver) this.overflowed += 1;
      else if (amount !== 0) this.processed += 1;
      if (isAsked) this.answers.push(isOver ? OVERFLOWED : Number(sum));
    }
    this.visible -= count;
  }
}

class Real {
  readonly lane: Lane;
  readonly told: number[] = [];
  readonly #buffer: SharedArrayBuffer;
  readonly #shape: Shape;
  ring: MortalConsumer;
  worker: Balances;

  constructor(capacity: number, first: number) {
    this.#shape = { workers: 1, ringSlots: capacity, balanceSlots: USERS, workUs: 0, workKind: 'cpu' };
    this.#buffer = createMemory(this.#shape, first);
    this.lane = new Lane(laneOf(this.#buffer, this.#shape, 0));
    [this.ring, this.worker] = this.#hire();
  }

  get balances(): number[] {
    return [...balancesOf(this.#buffer, this.#shape)];
  }

  replaceWorker(): void {
    [this.ring, this.worker] = this.#hire();
    this.worker.recover();
  }

  settle(): void {
    Balances.settle(this.#buffer, 0);
  }

  #hire(): [MortalConsumer, Balances] {
    const ring = new MortalConsumer(laneOf(this.#buffer, this.#shape, 0));
    return [ring, new Balances(this.#buffer, this.#shape, 0, ring)];
  }
}

/** What must hold after every command, when the worker is within no run. */
function expectSame(model: Model, { lane, balances, told, ring }: Real): void {
  const wanted = Array.from({ length: USERS }, (_, user) => Number(model.balances.get(user) ?? 0n));
  assert.deepEqual(balances, wanted);
  assert.deepEqual(
    [lane.decided('processed'), lane.decided('overflowed')],
    [model.processed, model.overflowed],
  );
  assert.equal(ring.available(), model.visible);
  assert.deepEqual(told, model.answers.slice(0, told.length));
  assert.equal(
    lane.isSettled,
    model.ring.every(({ amount }) => amount === 0),
  );
}

const step = stepsOf(expectSame);

const submit = ({ user, amount, isAsked }: Event) =>
  step(`${isAsked ? 'ask' : 'submit'}(${user}, ${amount})`, (model, { lane, told }) => {
    const position = isAsked ? lane.tryAsk(user, amount) : undefined;
    if (position !== undefined) position.waiter = { reached: () => void told.push(position.balance) };
    const isIn = isAsked ? position !== undefined : lane.tryPush(user, amount);
    assert.equal(isIn, model.ring.length < model.capacity);
    if (isIn) model.ring.push({ user, amount, isAsked });
  });

const publish = step('publish', (model, { lane }) => {
  lane.publish();
  model.visible = model.ring.length;
});

const apply = (most: number) =>
  step(
    `apply(${most})`,
    (model, { worker }) => {
      const count = Math.min(most, model.visible);
      const isAsked = model.ring.slice(0, count).some(event => event.isAsked);
      assert.equal(worker.applyRun(count), isAsked);
      model.apply(count);
    },
    ({ visible }) => visible > 0,
  );

/** The askers hear all that was applied. */
const collect = step('collect', ({ answers }, { lane, told }) => {
  lane.collect();
  assert.deepEqual(told, answers);
});

/** The worker dies between two runs, or so many events into one. There is a successor, or the engine settles. */
const die = (eventsIn: number, most: number, isSettled: boolean) =>
  step(`die(${eventsIn} into ${most}${isSettled ? ', settled' : ''})`, (model, real) => {
    const count = Math.min(most, model.visible);
    if (count > 0 && eventsIn <= count) {
      real.ring.eventsLeft = eventsIn;
      assert.equal(
        dies(() => real.worker.applyRun(count)),
        true,
      );
    }
    if (isSettled) real.settle();
    else real.replaceWorker();
    expectSame(model, real);
    real.replaceWorker();
  });

const amountArbitrary = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: -3, max: 3 }) },
  { weight: 2, arbitrary: fc.integer({ min: -MAX, max: MAX }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(MAX, -MAX, MAX - 1, 1 - MAX, 2 ** 52, -(2 ** 52), 2 ** 31, -(2 ** 31)),
  },
);
const submitArbitrary = fc
  .record({ user: fc.nat(USERS - 1), amount: amountArbitrary, isAsked: fc.boolean() })
  // Without an asker, to read a balance means nothing.
  .map(event => submit({ ...event, isAsked: event.isAsked || event.amount === 0 }));

const commandsArbitrary = fc.commands<Model, Real>(
  [
    submitArbitrary,
    submitArbitrary,
    submitArbitrary,
    submitArbitrary,
    fc.constant(publish),
    fc.constant(publish),
    fc.integer({ min: 1, max: 8 }).map(apply),
    fc.integer({ min: 1, max: 8 }).map(apply),
    fc.constant(collect),
    fc.tuple(fc.nat(8), fc.integer({ min: 1, max: 8 }), fc.boolean()).map(args => die(...args)),
  ],
  { maxCommands: 150, size: 'max' },
);

/** At 0, and a few events before the sequences change their sign, and before they wrap. */
const firstArbitrary = fc
  .tuple(fc.constantFrom(0, 2 ** 31, 2 ** 32), fc.nat(12))
  .map(([edge, before]) => Math.max(0, edge - before));

describe('balances', () => {
  test('are what a map of big integers is, up to both ends of the range, through any deaths', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(2, 4, 8),
        firstArbitrary,
        commandsArbitrary,
        (capacity, first, commands) => {
          const model = new Model(capacity);
          const real = new Real(capacity, first);
          fc.modelRun(() => ({ model, real }), commands);
          // In the end everything is applied, and everybody has been told.
          for (const last of [publish, apply(capacity), collect])
            if (last.check(model)) last.run(model, real);
          assert.deepEqual(real.told, model.answers);
        },
      ),
      { numRuns: 400 },
    );
  });
});

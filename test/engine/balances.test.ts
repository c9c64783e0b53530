import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Balances, OVERFLOWED } from '../../src/engine/balances.ts';
import { balancesOf, Count, createMemory, type Lane, type Shape, Word } from '../../src/engine/layout.ts';
import { Producer } from '../../src/engine/ring.ts';
import { runWorker } from '../../src/engine/worker.ts';

const MAX = Number.MAX_SAFE_INTEGER;
const USERS = 4;
const STARTS = [0, 2 ** 31 - 3, 2 ** 32 - 3];

/** Called before and after everything that a worker writes where a successor could read it. */
const watch = vi.hoisted(() => ({ step: undefined as (() => void) | undefined }));

/** The memory map as it is, but every plain write to a journal, an answer or a balance is a step. */
vi.mock('../../src/engine/layout.ts', async importOriginal => {
  const layout = await importOriginal<typeof import('../../src/engine/layout.ts')>();
  const watched = (floats: Float64Array<SharedArrayBuffer>) =>
    new Proxy(floats, {
      get: (target, key) => target[key as unknown as number],
      set: (target, key, value: number) => {
        watch.step?.();
        target[key as unknown as number] = value;
        watch.step?.();
        return true;
      },
    });
  return {
    ...layout,
    laneOf: (...of: Parameters<typeof layout.laneOf>) => {
      const lane = layout.laneOf(...of);
      return watch.step === undefined
        ? lane
        : { ...lane, journal: watched(lane.journal), answers: watched(lane.answers) };
    },
    balancesOf: (...of: Parameters<typeof layout.balancesOf>) =>
      watch.step === undefined ? layout.balancesOf(...of) : watched(layout.balancesOf(...of)),
  };
});
const { laneOf } = await import('../../src/engine/layout.ts');

afterEach(() => {
  vi.restoreAllMocks();
  watch.step = undefined;
});

/** `amount` 0 only reads the balance. `ask` 0: nobody wants the answer. */
interface Event {
  user: number;
  amount: number;
  ask: number;
}

/** Memory with one worker, whose ring holds these events; the worker leaves when it has done them. */
function memoryWith(events: Event[], first = 0, workUs = 0) {
  const ringSlots = 2 ** Math.ceil(Math.log2(Math.max(2, events.length)));
  const shape: Shape = { workers: 1, ringSlots, balanceSlots: USERS, workUs, workKind: 'cpu' };
  const buffer = createMemory(shape, first);
  const lane = laneOf(buffer, shape, 0);
  const producer = new Producer(lane);
  for (const { user, ask, amount } of events) expect(producer.tryPush(user, ask, amount)).toBe(true);
  producer.publish();
  Atomics.store(lane.words, Word.stop, 1);
  return { buffer, shape, lane };
}

function stateOf(buffer: SharedArrayBuffer, shape: Shape, lane: Lane = laneOf(buffer, shape, 0)) {
  return {
    balances: [...balancesOf(buffer, shape)],
    answers: [...lane.answers],
    processed: Number(Atomics.load(lane.counts, Count.processed)),
    overflowed: Number(Atomics.load(lane.counts, Count.overflowed)),
    head: Atomics.load(lane.words, Word.head),
  };
}

/** What must come of it, reckoned without the engine. */
function expected(events: Event[], first = 0) {
  const { shape } = memoryWith(events);
  const balances = Array.from({ length: USERS }, () => 0n);
  const answers = Array.from({ length: shape.ringSlots }, () => 0);
  let processed = 0;
  let overflowed = 0;
  for (const { user, amount, ask } of events) {
    const sum = balances[user]! + BigInt(amount);
    const isOver = sum > BigInt(MAX) || sum < -BigInt(MAX);
    if (!isOver) balances[user] = sum;
    if (amount !== 0 && isOver) overflowed += 1;
    else if (amount !== 0) processed += 1;
    if (ask !== 0) answers[ask - 1] = isOver ? OVERFLOWED : Number(sum);
  }
  return {
    balances: balances.map(Number),
    answers,
    processed,
    overflowed,
    head: (first + events.length) | 0,
  };
}

const work = (buffer: SharedArrayBuffer) => runWorker({ buffer, worker: 0 }, () => {});

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

  test('gives the sums that whole numbers of any size give', () => {
    const amountArbitrary = fc.oneof(
      fc.integer({ min: -3, max: 3 }),
      fc.integer({ min: -MAX, max: MAX }),
      fc.constantFrom(MAX, -MAX, 2 ** 52, -(2 ** 52), 2 ** 31, -(2 ** 31)),
    );
    const eventArbitrary = fc.record({
      user: fc.nat(USERS - 1),
      amount: amountArbitrary.map(amount => (amount === 0 ? 0 : amount)),
      isAsked: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(eventArbitrary, { maxLength: 150 }),
        fc.constantFrom(...STARTS),
        (chosen, first) => {
          const events = chosen.map(({ isAsked, ...event }, index) => ({
            ...event,
            ask: isAsked ? index + 1 : 0,
          }));
          const { buffer, shape } = memoryWith(events, first);
          work(buffer);
          expect(stateOf(buffer, shape)).toEqual(expected(events, first));
        },
      ),
    );
  });

  test('says whether somebody asked', () => {
    const { buffer, shape } = memoryWith([
      { user: 0, amount: 5, ask: 0 },
      { user: 0, amount: 5, ask: 1 },
    ]);
    const balances = new Balances(buffer, shape, 0);
    expect([balances.apply(0), balances.apply(1)]).toEqual([false, true]);
  });
});

/** Runs a worker and keeps a copy of the memory at every step: what its successor finds if it dies there. */
function deathsOf(buffer: SharedArrayBuffer): SharedArrayBuffer[] {
  const copies: SharedArrayBuffer[] = [];
  let last = '';
  const copy = () => {
    const bytes = Buffer.from(buffer);
    const print = bytes.toString('latin1');
    if (print === last) return;
    last = print;
    const kept = new SharedArrayBuffer(buffer.byteLength);
    new Uint8Array(kept).set(bytes);
    copies.push(kept);
  };
  const store = Atomics.store.bind(Atomics) as (...of: unknown[]) => unknown;
  const spy = vi.spyOn(Atomics, 'store').mockImplementation(((...of: unknown[]) => {
    copy();
    const stored = store(...of);
    copy();
    return stored;
  }) as typeof Atomics.store);
  watch.step = copy;
  work(buffer);
  watch.step = undefined;
  spy.mockRestore();
  return copies;
}

const EVENTS: Event[] = [
  { user: 0, amount: 100, ask: 1 },
  { user: 0, amount: -30, ask: 0 },
  { user: 1, amount: MAX, ask: 2 },
  { user: 1, amount: 1, ask: 3 },
  { user: 0, amount: 0, ask: 4 },
  { user: 1, amount: 2, ask: 0 },
  { user: 0, amount: 7, ask: 5 },
];

describe('a worker that dies', () => {
  // With a cost an event, the worker publishes after each event; without, after a run of them.
  const cases = STARTS.flatMap(first => [0, 1].map(workUs => ({ first, workUs })));

  test.each(cases)(
    'at any step leaves its successor exact: from $first, cost $workUs µs',
    ({ first, workUs }) => {
      const { buffer, shape } = memoryWith(EVENTS, first, workUs);
      const deaths = deathsOf(buffer);
      expect(stateOf(buffer, shape)).toEqual(expected(EVENTS, first));
      expect(deaths.length).toBeGreaterThan(EVENTS.length * 4);
      for (const [step, memory] of deaths.entries()) {
        work(memory);
        expect(stateOf(memory, shape), `death at step ${step}`).toEqual(expected(EVENTS, first));
      }
    },
  );

  test('at any step, and its successor at any step too, leaves the third one exact', () => {
    const { buffer, shape } = memoryWith(EVENTS, 2 ** 31 - 2);
    const wanted = expected(EVENTS, 2 ** 31 - 2);
    for (const [step, memory] of deathsOf(buffer).entries()) {
      for (const [again, third] of deathsOf(memory).entries()) {
        work(third);
        expect(stateOf(third, shape), `deaths at steps ${step} and ${again}`).toEqual(wanted);
      }
    }
  });

  test('at any step, with more events than it publishes at once, leaves its successor exact', () => {
    const events = Array.from({ length: 130 }, (_, index) => ({
      user: index % USERS,
      amount: index - 40,
      ask: index % 3 === 0 ? index + 1 : 0,
    }));
    const { buffer, shape } = memoryWith(events, 2 ** 32 - 70);
    const wanted = expected(events, 2 ** 32 - 70);
    for (const [step, memory] of deathsOf(buffer).entries()) {
      if (step % 7 !== 0) continue;
      work(memory);
      expect(stateOf(memory, shape), `death at step ${step}`).toEqual(wanted);
    }
  });

  test('and has no successor: what it had applied is counted, the rest is not', () => {
    const { buffer, shape } = memoryWith(EVENTS);
    let counted = 0;
    for (const [step, memory] of deathsOf(buffer).entries()) {
      Balances.settle(memory, 0);
      const { balances, processed, overflowed } = stateOf(memory, shape);
      const done = processed + overflowed;
      expect(done, `never back: step ${step}`).toBeGreaterThanOrEqual(counted);
      const applied = EVENTS.filter(({ amount }) => amount !== 0).slice(0, done);
      expect(balances, `death at step ${step}`).toEqual(expected(applied).balances);
      counted = done;
    }
    expect(counted).toBe(EVENTS.length - 1);
  });
});

/**
 * A worker may die anywhere. Here it dies before and after everything it writes that a successor could read, and
 * so does its successor; whoever comes last must be exact.
 */
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Balances } from '../../src/engine/balances.ts';
import type { Shape } from '../../src/engine/memory-layout.ts';
import { Consumer, Producer } from '../../src/engine/ring.ts';
import { RUN_EVENTS_MAX, Word } from '../../src/engine/words.ts';
import { type Event, expected, MAX, memoryWith, STARTS, stateOf, USERS, work } from './applying.ts';

/** Called before and after everything that a worker writes where a successor could read it. */
const watch = vi.hoisted(() => ({ step: undefined as (() => void) | undefined }));

/** The memory map as it is, but every plain write is a step. */
vi.mock('../../src/engine/memory-layout.ts', async importOriginal => {
  const layout = await importOriginal<typeof import('../../src/engine/memory-layout.ts')>();
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
      if (watch.step === undefined) return lane;
      return { ...lane, before: watched(lane.before), answers: watched(lane.answers) };
    },
    balancesOf: (...of: Parameters<typeof layout.balancesOf>) =>
      watch.step === undefined ? layout.balancesOf(...of) : watched(layout.balancesOf(...of)),
  };
});
const { laneOf } = await import('../../src/engine/memory-layout.ts');

afterEach(() => {
  vi.restoreAllMocks();
  watch.step = undefined;
});

/** Runs a worker, and keeps a copy of the memory at every step of it: what its successor finds if it dies there. */
function deathsOf(buffer: SharedArrayBuffer, run: (buffer: SharedArrayBuffer) => void = work) {
  const copies: SharedArrayBuffer[] = [];
  let last: Buffer | undefined;
  const copy = () => {
    const bytes = Buffer.from(buffer);
    if (last?.equals(bytes)) return;
    const kept = new SharedArrayBuffer(buffer.byteLength);
    last = Buffer.from(kept);
    last.set(bytes);
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
  run(buffer);
  watch.step = undefined;
  spy.mockRestore();
  return copies;
}

/** The successor's part: recovers, and then makes runs of these lengths and no others. */
function runsOf(shape: Shape, ...counts: number[]) {
  return (buffer: SharedArrayBuffer) => {
    const balances = new Balances(buffer, shape, 0, new Consumer(laneOf(buffer, shape, 0)));
    balances.recover();
    for (const count of counts) balances.applyRun(count);
  };
}

/** Pushes more events, as the socket thread does while nobody works. */
function pushMore(buffer: SharedArrayBuffer, shape: Shape, events: Event[]): void {
  const producer = new Producer(laneOf(buffer, shape, 0));
  for (const { user, ask, amount } of events) expect(producer.tryPush(user, ask, amount)).toBe(true);
  producer.publish();
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

/** More than two of the longest runs, some of them refused at the end of the range, some only read. */
const MANY: Event[] = Array.from({ length: 2 * RUN_EVENTS_MAX + 88 }, (_, index) => ({
  user: index % USERS,
  amount: index % 50 === 3 ? MAX : index % 50 === 7 ? -MAX : index % 7 === 0 ? 0 : index - 40,
  ask: index % 3 === 0 ? index + 1 : 0,
}));

describe('a worker that dies', () => {
  // With a cost an event, the worker publishes after each event; without, after a run of them.
  const cases = STARTS.flatMap(first => [0, 1].map(workUs => ({ first, workUs })));

  test.each(cases)(
    'at any step leaves its successor exact: from $first, cost $workUs µs',
    ({ first, workUs }) => {
      const { buffer, shape } = memoryWith(EVENTS, first, workUs);
      const deaths = deathsOf(buffer);
      expect(stateOf(buffer, shape)).toEqual(expected(EVENTS, first));
      // A copy of each balance, each change of one, each answer, the counts and the words of the run.
      const changes = EVENTS.filter(({ amount }) => amount !== 0).length - expected(EVENTS).overflowed;
      const answers = EVENTS.filter(({ ask }) => ask !== 0).length;
      expect(deaths.length).toBeGreaterThan(changes + answers + 3);
      for (const [step, memory] of deaths.entries()) {
        work(memory);
        expect(stateOf(memory, shape), `death at step ${step}`).toEqual(expected(EVENTS, first));
      }
    },
  );

  test.each([0, 1])(
    'at any step, and its successor at any step too, leaves the third one exact: cost %i µs',
    workUs => {
      const first = 2 ** 31 - 2;
      const { buffer, shape } = memoryWith(EVENTS, first, workUs);
      const wanted = expected(EVENTS, first);
      for (const [step, memory] of deathsOf(buffer).entries()) {
        for (const [again, third] of deathsOf(memory).entries()) {
          work(third);
          expect(stateOf(third, shape), `deaths at steps ${step} and ${again}`).toEqual(wanted);
        }
      }
    },
  );

  // A run is as long as what is visible, so a successor's is usually longer; shorter, if it has a cost an event.
  const lengths = [1, 2, 3, 5, 7];
  test.each(STARTS)(
    'in a run, and its successor in one of any other length, leaves the third one exact: from %i',
    first => {
      const wanted = expected(EVENTS, first);
      for (const length of lengths) {
        for (const other of lengths) {
          const { buffer, shape } = memoryWith(EVENTS, first);
          for (const [step, memory] of deathsOf(buffer, runsOf(shape, length)).entries()) {
            const head = Atomics.load(laneOf(memory, shape, 0).words, Word.head);
            const left = EVENTS.length - ((head - first) | 0);
            const runs = runsOf(shape, Math.min(other, left));
            for (const [again, third] of deathsOf(memory, runs).entries()) {
              work(third);
              const what = `runs of ${length} and ${other}, deaths at steps ${step} and ${again}`;
              expect(stateOf(third, shape), what).toEqual(wanted);
            }
          }
        }
      }
    },
  );

  test.each(STARTS)('and whose successor finds more events than it did leaves it exact: from %i', first => {
    const wanted = expected(EVENTS, first);
    for (let early = 1; early < EVENTS.length; early++) {
      const { buffer, shape, lane } = memoryWith(EVENTS, first);
      Atomics.store(lane.words, Word.tail, (first + early) | 0);
      for (const [step, memory] of deathsOf(buffer).entries()) {
        pushMore(memory, shape, EVENTS.slice(early));
        for (const [again, third] of deathsOf(memory).entries()) {
          work(third);
          const what = `${early} events at first, deaths at steps ${step} and ${again}`;
          expect(stateOf(third, shape), what).toEqual(wanted);
        }
      }
    }
  });

  test.each([0, 2 ** 31 - 300, 2 ** 32 - 70])(
    'at any step, with more events than the longest run, leaves its successor exact: from %i',
    first => {
      const { buffer, shape } = memoryWith(MANY, first);
      const wanted = expected(MANY, first);
      for (const [step, memory] of deathsOf(buffer).entries()) {
        if (step % 7 !== first % 7) continue;
        work(memory);
        expect(stateOf(memory, shape), `death at step ${step}`).toEqual(wanted);
      }
    },
  );

  test('somewhere in a long run, and its successor too, leaves the third one exact', () => {
    const first = 2 ** 31 - 2 * RUN_EVENTS_MAX;
    const { buffer, shape } = memoryWith(MANY, first);
    const wanted = expected(MANY, first);
    for (const [step, memory] of deathsOf(buffer).entries()) {
      if (step % 211 !== 100) continue;
      for (const [again, third] of deathsOf(memory).entries()) {
        if (again % 53 !== step % 53) continue;
        work(third);
        expect(stateOf(third, shape), `deaths at steps ${step} and ${again}`).toEqual(wanted);
      }
    }
  });

  test('as often as one likes, in any events, leaves the last one exact', () => {
    const eventArbitrary = fc.record({
      user: fc.nat(USERS - 1),
      amount: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(MAX, -MAX, 2 ** 31, -(2 ** 31))),
      isAsked: fc.boolean(),
    });
    const deathsArbitrary = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(
        fc.array(eventArbitrary, { minLength: 1, maxLength: 24 }),
        fc.constantFrom(...STARTS),
        deathsArbitrary,
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 5, maxLength: 5 }),
        (chosen, first, whens, lengths) => {
          const events = chosen.map(({ isAsked, ...event }, at) => ({ ...event, ask: isAsked ? at + 1 : 0 }));
          const { buffer, shape } = memoryWith(events, first);
          let memory = buffer;
          for (const [death, when] of whens.entries()) {
            const head = Atomics.load(laneOf(memory, shape, 0).words, Word.head);
            const count = Math.min(lengths[death]!, events.length - ((head - first) | 0));
            const deaths = deathsOf(memory, count === 0 ? work : runsOf(shape, count));
            memory = deaths[Math.floor(when * deaths.length)] ?? memory;
          }
          work(memory);
          expect(stateOf(memory, shape)).toEqual(expected(events, first));
        },
      ),
      { numRuns: 300 },
    );
  });
});

/** After `settle`: the balances and the counts are those of all events below the head, and of no other. */
function expectSettled(
  memory: SharedArrayBuffer,
  shape: Shape,
  events: Event[],
  first: number,
  what: string,
) {
  const head = Atomics.load(laneOf(memory, shape, 0).words, Word.head);
  for (let time = 0; time < 2; time++) {
    Balances.settle(memory, 0);
    const { answers: _, ...wanted } = expected(events.slice(0, (head - first) | 0), first);
    expect(stateOf(memory, shape), what).toMatchObject(wanted);
  }
  return head;
}

describe('a worker that dies and has no successor', () => {
  test.each(STARTS.flatMap(first => [0, 1].map(workUs => ({ first, workUs }))))(
    'leaves what it has finished, and nothing else: from $first, cost $workUs µs',
    ({ first, workUs }) => {
      const { buffer, shape } = memoryWith(EVENTS, first, workUs);
      let reached = first | 0;
      for (const [step, memory] of deathsOf(buffer).entries()) {
        const head = expectSettled(memory, shape, EVENTS, first, `death at step ${step}`);
        expect((head - reached) | 0, `never back: step ${step}`).toBeGreaterThanOrEqual(0);
        reached = head;
      }
      expect(reached).toBe((first + EVENTS.length) | 0);
    },
  );

  test('leaves that also where it died itself while it took back what another had begun', () => {
    const first = 2 ** 32 - 2;
    const { buffer, shape } = memoryWith(EVENTS, first);
    for (const [step, memory] of deathsOf(buffer, runsOf(shape, 4, 3)).entries()) {
      for (const [again, third] of deathsOf(memory).entries())
        expectSettled(third, shape, EVENTS, first, `deaths at steps ${step} and ${again}`);
    }
  });

  test('leaves that also in runs as long as they may be', () => {
    const first = 2 ** 31 - RUN_EVENTS_MAX - 1;
    const { buffer, shape } = memoryWith(MANY, first);
    for (const [step, memory] of deathsOf(buffer).entries())
      if (step % 5 === 0) expectSettled(memory, shape, MANY, first, `death at step ${step}`);
  });

  test('of a worker that lives, or never lived, nothing is taken back', () => {
    const { buffer, shape } = memoryWith(EVENTS, 2 ** 31 - 2);
    expectSettled(buffer, shape, EVENTS, 2 ** 31 - 2, 'before any work');
    work(buffer);
    expectSettled(buffer, shape, EVENTS, 2 ** 31 - 2, 'after all of it');
    expect(stateOf(buffer, shape)).toEqual(expected(EVENTS, 2 ** 31 - 2));
  });
});

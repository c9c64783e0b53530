/**
 * Ids, minimums and transfers: the real engine, with workers that apply and die when they are told to, a clock that stands
 * still between two commands, and rings and a memory of ids that are soon full, decides what the model does.
 */
import fc from 'fast-check';
import { test, vi } from 'vitest';
import { LANES, Model, type Request, USERS } from './deciding-model.ts';
import { IDS_MS, Real } from './deciding-real.ts';
import { collect, die, end, finish, read, submit, tick, wait, work } from './deciding-steps.ts';
import { HandWorker } from './hand-worker.ts';

vi.mock('node:worker_threads', async original => ({
  ...(await original<object>()),
  Worker: (await import('./hand-worker.ts')).HandWorker,
}));

const MAX = Number.MAX_SAFE_INTEGER;
const IDS = 5;
/** More are better: TALLY_TEST_RUNS=10000 takes half a minute. */
const RUNS = Number(process.env.TALLY_TEST_RUNS ?? 300);

const SMALL = fc.integer({ min: 1, max: 4 });
const LARGE = fc.constantFrom(MAX, MAX, MAX - 1, 2 ** 52, 2 ** 31);
const userArbitrary = fc.nat(USERS - 1);

/** Requests of some users; the amounts are such that many overflow, or few. */
const requestOf = (users: fc.Arbitrary<number>, largeShare: number): fc.Arbitrary<Request> =>
  fc
    .record({
      user: users,
      amount: fc.oneof({ weight: 8, arbitrary: SMALL }, { weight: largeShare, arbitrary: LARGE }),
      isSale: fc.boolean(),
      isTransfer: fc.boolean(),
      to: users,
      id: fc.option(fc.nat(IDS - 1), { freq: 3 }),
      min: fc.constantFrom(undefined, undefined, undefined, 0, -1, 2, -MAX),
      isWaiting: fc.constantFrom(false, false, true),
    })
    .map(({ user, amount, isSale, isTransfer, to, id, min, isWaiting }) => ({
      user,
      amount: isTransfer || isSale ? -amount : amount,
      ...(isTransfer && { to: to === user ? (user + 1) % USERS : to }),
      ...(id !== null && { id }),
      ...(min !== undefined && { min }),
      isWaiting: !isTransfer && isWaiting,
    }));

const laneArbitrary = fc.nat(LANES - 1);
const mostArbitrary = fc.integer({ min: 1, max: 8 });

/** A run sends some of a few requests, so that most come again, between a few users; and now and then others. */
const requestsArbitrary = fc
  .tuple(fc.uniqueArray(userArbitrary, { minLength: 2, maxLength: 4 }), fc.constantFrom(1, 8, 40))
  .chain(([users, largeShare]) =>
    fc.array(requestOf(fc.constantFrom(...users), largeShare), { minLength: 4, maxLength: 10 }),
  );
const commandsArbitrary = requestsArbitrary.chain(requests => {
  const submitArbitrary = fc.constantFrom(...requests).map(submit);
  const workArbitrary = fc.tuple(laneArbitrary, mostArbitrary).map(args => work(...args));
  return fc.commands<Model, Real>(
    [
      ...Array<typeof submitArbitrary>(6).fill(submitArbitrary),
      requestOf(userArbitrary, 1).map(submit),
      userArbitrary.map(read),
      ...[fc.constant(finish), fc.constant(finish)],
      ...[workArbitrary, workArbitrary, workArbitrary],
      fc
        .tuple(laneArbitrary, mostArbitrary, fc.nat(24), fc.array(fc.nat(12), { maxLength: 2 }))
        .map(args => die(...args)),
      ...[fc.constant(collect), fc.constant(collect)],
      fc.integer({ min: -2, max: IDS_MS + 1 }).map(tick),
      fc.constant(wait),
    ],
    { maxCommands: 120, size: 'max' },
  );
});

/** At 0, and a few events before the sequences change their sign, and before they wrap. */
const firstArbitrary = fc
  .tuple(fc.constantFrom(0, 2 ** 31, 2 ** 32), fc.nat(12))
  .map(([edge, before]) => Math.max(0, edge - before));

/** Runs the commands, and then to the end. */
async function play(
  [capacity, idsMax, first]: readonly [number, number, number],
  run: (model: Model, real: Real) => void,
): Promise<void> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate'] });
  const model = new Model(capacity, idsMax, IDS_MS);
  HandWorker.clock = () => model.nowMs;
  const real = await Real.open(capacity, idsMax, first);
  real.onHalf = (...half) => model.pay(...half);
  try {
    run(model, real);
    end(model, real);
  } finally {
    HandWorker.clock = Date.now;
    vi.restoreAllMocks();
    vi.useRealTimers();
  }
}

const shapeArbitrary = fc.tuple(fc.constantFrom(2, 4, 8), fc.constantFrom(1, 3, 8), firstArbitrary);

test('ids, minimums and transfers are decided as the contract says, through deaths, full rings, and time', async () => {
  await fc.assert(
    fc.asyncProperty(shapeArbitrary, commandsArbitrary, (shape, commands) =>
      play(shape, (model, real) => fc.modelRun(() => ({ model, real }), commands)),
    ),
    { numRuns: RUNS },
  );
});

const event = (user: number, amount: number, id?: number) =>
  submit({ user, amount, isWaiting: false, ...(id !== undefined && { id }) });
const transfer = (user: number, to: number, amount: number, id?: number) =>
  submit({ user, to, amount: -amount, isWaiting: false, ...(id !== undefined && { id }) });
const EXPIRE = tick(IDS_MS + 1);

type Commands = fc.Command<Model, Real>[];

/** What random commands have found once, and find again now and then only. */
const FOUND: [what: string, capacity: number, idsMax: number, commands: Commands][] = [
  [
    'a repeat, while there is no room yet for what comes back',
    4,
    8,
    [
      ...[event(3, MAX), transfer(2, 3, MAX, 1), finish, work(0, 1), work(1, 1), event(2, MAX), event(2, 1)],
      ...[finish, work(0, 2), collect, work(1, 1), collect, work(0, 1), collect],
      ...[transfer(2, 3, MAX, 1), finish, work(0, 1), collect],
    ],
  ],
  [
    'an id that is used again while its transfer is in transit, and then repeated',
    4,
    8,
    [
      ...[transfer(4, 9, 2, 1), finish, work(0, 1), collect, EXPIRE],
      ...[transfer(4, 9, 2, 1), finish, work(0, 1), work(1, 1), collect],
      ...[transfer(4, 9, 2, 1), finish, work(0, 1), collect],
    ],
  ],
  [
    'the same, and the first one goes back',
    4,
    8,
    [
      ...[transfer(9, 0, MAX - 1, 2), event(0, 3), finish, work(1, 1), work(0, 1), collect],
      ...[event(9, MAX), finish, work(1, 1), EXPIRE, transfer(9, 0, MAX - 1, 2), finish, work(1, 1)],
      ...[work(0, 1), collect, work(1, 1), transfer(9, 0, MAX - 1, 2), finish, work(1, 1), collect],
    ],
  ],
  [
    'the same, and the second one is refused',
    4,
    8,
    [
      ...[transfer(5, 2, MAX, 2), finish, work(1, 1), EXPIRE],
      ...[transfer(5, 2, MAX, 2), transfer(5, 2, MAX, 2), finish, work(1, 2), collect],
    ],
  ],
  [
    'a transfer of a new user to whom the ring has room, but no place for an answer',
    2,
    8,
    [event(2, -2, 4), event(2, -2, 4), finish, work(0, 1), transfer(6, 2, 4)],
  ],
  [
    'a second half for which the ring has room, but no place for an answer',
    2,
    8,
    [
      ...[transfer(0, 3, 1), event(5, 4, 4), event(5, 4, 4), finish, work(1, 1), work(0, 1)],
      ...[collect, tick(0)],
    ],
  ],
  [
    'a death in a run whose ids have taken the places of those that it forgot',
    4,
    1,
    [
      ...[event(0, 1, 1), finish, work(0, 1), EXPIRE],
      ...[event(0, 1, 2), event(0, 1), finish, die(0, 2, 5, []), work(0, 2)],
    ],
  ],
];

test.each(FOUND)('%s', (_, capacity, idsMax, commands) =>
  play([capacity, idsMax, 0], (model, real) => {
    for (const command of commands) command.run(model, real);
  }),
);

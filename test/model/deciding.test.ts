/**
 * Ids, minimums and transfers: the real engine, with workers that apply and die when they are told to, a clock that stands
 * still between two commands, and rings and a memory of ids that are soon full, decides what the model does.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { afterEach, test, vi } from 'vitest';
import { outcomeOf } from '../../src/engine/deciding.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { Position } from '../../src/engine/position.ts';
import { Transfer } from '../../src/engine/transfers.ts';
import { Outcome } from '../../src/protocol/outcome.ts';
import { Wants } from '../../src/protocol/request.ts';
import { type Ask, LANES, laneOf, Model, type Request, USERS } from './deciding-model.ts';
import { IDS_MS, Real } from './deciding-real.ts';
import { HandWorker } from './hand-worker.ts';
import { stepsOf } from './step.ts';

vi.mock('node:worker_threads', async original => ({
  ...(await original<object>()),
  Worker: (await import('./hand-worker.ts')).HandWorker,
}));

const MAX = Number.MAX_SAFE_INTEGER;
const IDS = 5;
/** A refund for which there was no room is tried again after that. */
const RETRY_MS = 100;

function listen(position: Position, ask: Ask): Ask {
  position.waiter = {
    reached() {
      ask.told = position.balance;
    },
  };
  return ask;
}

/** What must hold after every command. */
function expectSame(model: Model, real: Real): void {
  const { engine } = real;
  const users = Array.from({ length: USERS }, (_, user) => user);
  assert.deepEqual(
    users.map(user => real.balanceOf(user)),
    model.balances.map(Number),
  );
  const sum = model.balances.reduce((all, balance) => all + balance, model.inTransit);
  assert.equal(sum, model.broughtIn);
  const { processed, overflowed, insufficient, reused, duplicate, idsFull } = model.counts;
  const notApplied = overflowed + insufficient + reused + duplicate + idsFull;
  assert.deepEqual(engine.counts(), {
    received: model.accepted + model.refused,
    processed,
    dropped: model.refused + notApplied,
    queued: model.accepted - processed - notApplied,
  });
  for (const { commit, promised } of real.commits) {
    if (!commit.isReached) continue;
    const changes = new Map(commit.changes);
    for (const { line, ask } of promised) {
      ask.told = changes.get(line) ?? Outcome.accepted;
      changes.delete(line);
    }
    assert.deepEqual([...changes], [], 'other replies were changed');
  }
  for (const ask of model.asks) expectTold(ask, false);
}

function expectTold({ answer, told, isPromised }: Ask, isAll: boolean): void {
  if (told === undefined && !isAll) return;
  if (told === undefined) assert.equal(answer, undefined, 'not told of what was decided');
  else assert.equal(told, isPromised && answer !== undefined ? outcomeOf(answer) : answer);
}

const step = stepsOf(expectSame);

const describe = ({ user, amount, to, id, min, isWaiting }: Request) =>
  [
    ...[to === undefined ? `${user}: ${amount}` : `${user} → ${to}: ${-amount}`],
    ...[id === undefined ? '' : `id ${id}`, min === undefined ? '' : `min ${min}`, isWaiting ? 'wait' : ''],
  ]
    .filter(word => word !== '')
    .join(', ');

const submit = (request: Request) =>
  step(`submit(${describe(request)})`, (model, real) => {
    const { engine } = real;
    const parsed = real.parsed(request);
    const isPlain = request.to === undefined && parsed.wants === 0;
    const isPromised = request.to === undefined && parsed.wants === Wants.id;
    let result: ReturnType<Engine['submitAsking']>;
    if (isPlain) result = engine.submit(parsed);
    else if (isPromised) result = engine.submitPromised(parsed, real.lines);
    else result = request.to === undefined ? engine.submitAsking(parsed) : engine.submitTransfer(parsed);
    const isIn = typeof result === 'object' || result === Outcome.accepted;
    model.expectRoom(request, !isPlain, isIn);
    if (!isIn) {
      assert.equal(result, Outcome.serverBusy);
      model.refused += 1;
      // What fills a ring is published, so that there will be room; of two rings it may be either.
      const lanes = [request.user, request.to ?? request.user].map(laneOf);
      const published = lanes.filter(
        lane => HandWorker.atWork.get(lane)!.available === model.rings[lane]!.length,
      );
      assert.ok(published.length > 0);
      for (const lane of published) model.publish(lane);
    }
    if (typeof result === 'object') {
      const ask = listen(result, model.newAsk());
      model.accept(request, ask, result instanceof Transfer ? result.number : undefined);
      real.commit();
      return;
    }
    if (isIn) {
      const ask = isPromised ? model.newAsk(true) : undefined;
      if (ask !== undefined) real.promised.push({ line: real.lines, ask });
      model.accept(request, ask, undefined, real.promised);
    }
    real.lines += 1;
  });

const read = (user: number) =>
  step(`read(${user})`, (model, real) => {
    const request = { user, amount: 0, isWaiting: true };
    const parsed = real.parsed(request);
    const balance = real.engine.readBalance(parsed);
    if (balance !== undefined) {
      assert.equal(balance, Number(model.balances[user]));
      return;
    }
    const position = real.engine.askBalance(parsed);
    model.expectRoom(request, true, position !== undefined);
    if (position === undefined) return;
    model.accept(request, listen(position, model.newAsk()));
  });

const finish = step('finish', (model, real) => {
  real.engine.publish();
  for (let lane = 0; lane < LANES; lane++) model.publish(lane);
  real.commit();
});

const work = (lane: number, most: number) =>
  step(`work(${lane}, ${most})`, model => {
    model.moves += 1;
    const count = Math.min(most, model.visible[lane]!);
    assert.equal(HandWorker.atWork.get(lane)!.work(most), count);
    model.apply(lane, count);
  });

const die = (lane: number, most: number, looks: number, looksOfSuccessors: number[]) =>
  step(`die(${lane}, ${most}, ${looks}${looksOfSuccessors.map(each => `, ${each}`).join('')})`, model => {
    model.moves += 1;
    model.deaths += 1;
    const worker = HandWorker.atWork.get(lane)!;
    const applied = worker.dieAndGoOn(most, looks, looksOfSuccessors);
    if (applied > 0) model.apply(lane, applied);
    else model.died(lane, Math.min(most, model.visible[lane]!), worker.ids);
  });

/** All that was decided is told of. */
const collect = step('collect', (model, { engine }) => {
  // It collects, too.
  const { in_transit, ids } = engine.detail();
  assert.equal(in_transit, Number(model.inTransit));
  assert.equal(ids, model.ids);
});

/** Messages arrive, and the clock goes on, or back. */
const tick = (ms: number) =>
  step(`tick(${ms})`, model => {
    model.nowMs += ms;
    vi.advanceTimersByTime(0);
  });

const wait = step('wait', model => {
  model.nowMs += 1;
  vi.advanceTimersByTime(RETRY_MS);
});

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

/** Everything is applied, everybody is told, and nothing is in transit. */
function end(model: Model, real: Real): void {
  for (let round = 0; round < 200; round++) {
    finish.run(model, real);
    for (let lane = 0; lane < LANES; lane++) work(lane, model.capacity).run(model, real);
    collect.run(model, real);
    if (model.inTransit === 0n && model.rings.every(ring => ring.length === 0)) break;
    // Who has no room for what comes back spends.
    const stuck = [...model.transits.values()].find(({ state }) => state === 'refused')?.request;
    if (stuck !== undefined)
      submit({ user: stuck.user, amount: stuck.amount, isWaiting: false }).run(model, real);
    wait.run(model, real);
  }
  assert.equal(model.inTransit, 0n);
  assert.equal(real.engine.areRingsEmpty, true);
  assert.equal(real.engine.counts().queued, 0);
  for (const ask of model.asks) expectTold(ask, true);
}

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test('ids, minimums and transfers are decided as the contract says, through deaths, full rings, and time', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(2, 4, 8),
      fc.constantFrom(1, 3, 8),
      firstArbitrary,
      commandsArbitrary,
      async (capacity, idsMax, first, commands) => {
        vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate'] });
        const model = new Model(capacity, idsMax, IDS_MS);
        HandWorker.clock = () => model.nowMs;
        const real = await Real.open(capacity, idsMax, first);
        real.onHalf = (...half) => model.pay(...half);
        try {
          fc.modelRun(() => ({ model, real }), commands);
          end(model, real);
        } finally {
          HandWorker.clock = Date.now;
          vi.restoreAllMocks();
          vi.useRealTimers();
        }
      },
    ),
    { numRuns: Number(process.env.RUNS ?? 200) },
  );
});

/** The commands of the model of ids, minimums and transfers, and what must hold behind each. */
import assert from 'node:assert/strict';
import { vi } from 'vitest';
import { outcomeOf } from '../../src/engine/deciding.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { Position } from '../../src/engine/position.ts';
import { Transfer } from '../../src/engine/transfers.ts';
import { Outcome } from '../../src/protocol/outcome.ts';
import { Wants } from '../../src/protocol/request.ts';
import { type Ask, LANES, laneOf, type Model, type Request, USERS } from './deciding-model.ts';
import type { Real } from './deciding-real.ts';
import { HandWorker } from './hand-worker.ts';
import { stepsOf } from './step.ts';

/** Messages that arrive one after the other, of which each may cause the next. */
const TURNS = 5;
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

export const submit = (request: Request) =>
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

export const read = (user: number) =>
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

export const finish = step('finish', (model, real) => {
  real.engine.publish();
  for (let lane = 0; lane < LANES; lane++) model.publish(lane);
  real.commit();
});

export const work = (lane: number, most: number) =>
  step(`work(${lane}, ${most})`, model => {
    model.moves += 1;
    const count = Math.min(most, model.visible[lane]!);
    assert.equal(HandWorker.atWork.get(lane)!.work(most), count);
    model.apply(lane, count);
  });

export const die = (lane: number, most: number, looks: number, looksOfSuccessors: number[]) =>
  step(`die(${lane}, ${most}, ${looks}${looksOfSuccessors.map(each => `, ${each}`).join('')})`, model => {
    model.moves += 1;
    model.deaths += 1;
    const worker = HandWorker.atWork.get(lane)!;
    const applied = worker.dieAndGoOn(most, looks, looksOfSuccessors);
    if (applied > 0) model.apply(lane, applied);
    else model.died(lane, Math.min(most, model.visible[lane]!), worker.ids);
  });

/** All that was decided is told of. */
export const collect = step('collect', (model, { engine }) => {
  // It collects, too.
  const { in_transit, ids } = engine.detail();
  assert.equal(in_transit, Number(model.inTransit));
  assert.equal(ids, model.ids);
});

/** Messages arrive, and the clock goes on, or back. */
export const tick = (ms: number) =>
  step(`tick(${ms})`, model => {
    model.nowMs += ms;
    for (let turn = 0; turn < TURNS; turn++) vi.advanceTimersByTime(1);
  });

export const wait = step('wait', model => {
  model.nowMs += 1;
  vi.advanceTimersByTime(RETRY_MS);
});

/** Everything is applied, everybody is told, and nothing is in transit. */
export function end(model: Model, real: Real): void {
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

/**
 * What the tests of the balances share: memory whose ring holds events, what is in it, and what must come of it.
 */
import { expect } from 'vitest';
import { OVERFLOWED } from '../../src/engine/deciding.ts';
import { balancesOf, createMemory, laneOf, type Shape } from '../../src/engine/memory-layout.ts';
import { Producer } from '../../src/engine/ring.ts';
import { Count, Word } from '../../src/engine/words.ts';
import { runWorker } from '../../src/engine/worker.ts';

export const MAX = Number.MAX_SAFE_INTEGER;
export const USERS = 4;
export const STARTS = [0, 2 ** 31 - 3, 2 ** 32 - 3];

/** `amount` 0 only reads the balance. `ask` 0: nobody wants the answer. */
export interface Event {
  user: number;
  amount: number;
  ask: number;
}

/** Memory with one worker, whose ring holds these events; the worker leaves when it has done them. */
export function memoryWith(events: Event[], first = 0, workUs = 0) {
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

export function stateOf(buffer: SharedArrayBuffer, shape: Shape) {
  const lane = laneOf(buffer, shape, 0);
  return {
    balances: [...balancesOf(buffer, shape)],
    answers: [...lane.answers],
    processed: Number(Atomics.load(lane.counts, Count.processed)),
    overflowed: Number(Atomics.load(lane.counts, Count.overflowed)),
    head: Atomics.load(lane.words, Word.head),
  };
}

/** What must come of the events, reckoned without the engine. */
export function expected(events: Event[], first = 0) {
  const balances = Array.from({ length: USERS }, () => 0n);
  const answers = Array.from({ length: 2 ** Math.ceil(Math.log2(Math.max(2, events.length))) }, () => 0);
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

export const work = (buffer: SharedArrayBuffer) => runWorker({ buffer, worker: 0 }, () => {});

/**
 * A worker that dies before any of its operations or plain writes, and its successor, which may die too. Whatever was
 * accepted is applied once, and counted once.
 */
import type { Lane } from '../../../src/engine/lane.ts';
import { laneOf } from '../../../src/engine/memory-layout.ts';
import { Word } from '../../../src/engine/words.ts';
import type { Gate } from '../gate.ts';
import { fine, type Scenario, type ScenarioThread, wrong } from '../scenario.ts';
import { endOf, livesOf } from './lives.ts';
import {
  createServer,
  exploredOf,
  laneOfServer,
  type Memory,
  parkedBesideWork,
  SHAPE,
  stateOf,
  until,
  untilNapped,
  wordsOf,
  work,
} from './server.ts';

interface Course {
  name: string;
  about: string;
  deaths: number;
  firstSequence: number;
  /** For user 0. */
  amounts: number[];
  /**
   * When the events come. `before`: all are there when the worker starts. `waiting`: each when the one before was
   * applied. `parked`: each to a worker about to park. `meanwhile`: at any moment.
   */
  pace: 'before' | 'waiting' | 'parked' | 'meanwhile';
}

function push(lane: Lane, amount: number): void {
  if (!lane.tryPush(0, amount)) throw new Error('the ring was full');
  lane.publish();
}

function serve({ amounts, pace, firstSequence }: Course, memory: Memory, gate: Gate): void {
  const lane = laneOfServer(memory);
  for (const [at, amount] of amounts.entries()) {
    if (pace === 'waiting') until(Word.head, firstSequence + at, memory, gate);
    if (pace === 'parked') untilNapped((at + 1) * 2, memory, gate);
    push(lane, amount);
  }
  if (pace !== 'parked') lane.command(Word.stop, 1);
}

function workerDeath(course: Course): Scenario<Memory> {
  const { name, about, deaths, firstSequence, amounts, pace } = course;
  const socketThread: ScenarioThread<Memory> = {
    name: 'socket thread',
    run: (memory, gate) => serve(course, memory, gate),
  };
  const others = pace === 'before' ? [] : [socketThread];
  const workers = livesOf(deaths, () => work, others.length);
  const end = pace === 'parked' ? 'asleep' : 'finished';
  return {
    name,
    group: 'worker-death',
    about,
    budget: { timeOuts: 0, wakesForNothing: 0, deaths },
    create() {
      if (pace !== 'before') return createServer(firstSequence);
      const memory = createServer(firstSequence, amounts);
      Atomics.store(laneOf(memory.buffer, SHAPE, 0).words, Word.stop, 1);
      return memory;
    },
    idle: parkedBesideWork,
    explored: exploredOf,
    words: wordsOf,
    shown: ['tail', 'head', 'begun', 'balance 0', 'processed'],
    threads: [...others, ...workers],
    verdict(memory, endings) {
      const { isEmpty, balances, processed, overflowed, lateWakes } = stateOf(memory);
      const { last, deaths } = endOf(endings.slice(others.length));
      const expected = expectedOf(amounts);
      if (last !== end) return wrong(`the last worker is ${last}, not ${end}`);
      if (!isEmpty) return wrong('events were left in the ring');
      if (lateWakes > 0) return wrong('a worker found work that nobody had told it of');
      if (balances[0] !== expected.balance)
        return wrong(`the balance is ${balances[0]}, not ${expected.balance}`);
      if (processed !== expected.processed || overflowed !== expected.overflowed)
        return wrong(`${processed} are counted, and ${overflowed} overflows`);
      return fine(`${deaths}: all is applied once and counted once`);
    },
  };
}

function expectedOf(amounts: readonly number[]) {
  let balance = 0;
  let processed = 0;
  for (const amount of amounts) {
    if (Math.abs(balance + amount) > Number.MAX_SAFE_INTEGER) continue;
    balance += amount;
    processed += 1;
  }
  return { balance, processed, overflowed: amounts.length - processed };
}

export const scenarios = [
  workerDeath({
    name: 'worker-death',
    about: 'a worker dies, and its successor goes on: two events, the second when the first was applied',
    deaths: 1,
    firstSequence: 0,
    amounts: [1, 10],
    pace: 'waiting',
  }),
  workerDeath({
    name: 'worker-death-run',
    about: 'a worker dies within a run of two events across 2^32',
    deaths: 1,
    firstSequence: 2 ** 32 - 1,
    amounts: [1, 10],
    pace: 'before',
  }),
  workerDeath({
    name: 'worker-death-overflow',
    about: 'a worker dies within a run whose second event cannot be applied',
    deaths: 1,
    firstSequence: 2 ** 31 - 1,
    amounts: [Number.MAX_SAFE_INTEGER, 1],
    pace: 'before',
  }),
  workerDeath({
    name: 'worker-death-parked',
    about: 'a worker dies, and its successor is about to park when the next event comes',
    deaths: 1,
    firstSequence: 0,
    amounts: [1, 10],
    pace: 'parked',
  }),
  workerDeath({
    name: 'worker-death-meanwhile',
    about: 'a worker dies while two events come, at any moment',
    deaths: 1,
    firstSequence: 0,
    amounts: [1, 10],
    pace: 'meanwhile',
  }),
  workerDeath({
    name: 'worker-death-twice',
    about: 'a worker dies, and its successor too, where it takes back or applies',
    deaths: 2,
    firstSequence: 0,
    amounts: [1, 10],
    pace: 'before',
  }),
] as const;

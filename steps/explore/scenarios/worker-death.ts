/**
 * A worker that dies before any of its operations or plain writes, and its successor, which may die too. Whatever was
 * accepted is applied once, and counted once.
 */
import type { Lane } from '../../../src/engine/lane.ts';
import { fine, type Scenario, type ScenarioThread, wrong } from '../scenario.ts';
import { createServer, exploredOf, laneOfServer, type Memory, stateOf, wordsOf, work } from './server.ts';

interface Course {
  name: string;
  about: string;
  deaths: number;
  firstSequence: number;
  /** Amounts for user 0, published one at a time or all at once. */
  amounts: number[];
  isTogether: boolean;
}

function serve(lane: Lane, { amounts, isTogether }: Course): void {
  for (const amount of amounts) {
    if (!lane.tryPush(0, amount)) throw new Error('the ring was full');
    if (!isTogether) lane.publish();
  }
  lane.publish();
  lane.stop();
}

function workerDeath(course: Course): Scenario<Memory> {
  const { name, about, deaths, firstSequence, amounts } = course;
  const workers = Array.from(
    { length: deaths + 1 },
    (_, life): ScenarioThread<Memory> => ({
      name: ['worker', 'successor', 'third'][life]!,
      run: work,
      mayDie: life < deaths,
      // The socket thread is the first of all.
      ...(life > 0 && { succeeds: life }),
    }),
  );
  return {
    name,
    group: 'worker-death',
    about,
    budget: { timeOuts: 0, wakesForNothing: 0, deaths },
    create: () => createServer(firstSequence),
    explored: exploredOf,
    words: wordsOf,
    shown: ['tail', 'head', 'begun', 'balance 0', 'processed'],
    threads: [{ name: 'socket thread', run: memory => serve(laneOfServer(memory), course) }, ...workers],
    verdict(memory, [, ...lives]) {
      const { isEmpty, balances, processed, overflowed, lateWakes } = stateOf(memory);
      const dead = lives.filter(ending => ending === 'dead').length;
      const expected = expectedOf(amounts);
      if (lives[dead] !== 'finished') return wrong(`the last worker is ${lives[dead]}, not at its end`);
      if (!isEmpty) return wrong('events were left in the ring');
      if (lateWakes > 0) return wrong('a worker found work that nobody had told it of');
      if (balances[0] !== expected.balance)
        return wrong(`the balance is ${balances[0]}, not ${expected.balance}`);
      if (processed !== expected.processed || overflowed !== expected.overflowed)
        return wrong(`${processed} are counted, and ${overflowed} overflows`);
      return fine(`${['nobody dies', 'one dies', 'two die'][dead]}: all is applied once and counted once`);
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
    about: 'a worker dies, and its successor goes on: two events, one at a time',
    deaths: 1,
    firstSequence: 0,
    amounts: [1, 10],
    isTogether: false,
  }),
  workerDeath({
    name: 'worker-death-run',
    about: 'a worker dies within a run of two events across 2^32',
    deaths: 1,
    firstSequence: 2 ** 32 - 1,
    amounts: [1, 10],
    isTogether: true,
  }),
  workerDeath({
    name: 'worker-death-overflow',
    about: 'a worker dies within a run whose second event can not be applied',
    deaths: 1,
    firstSequence: 2 ** 31 - 1,
    amounts: [Number.MAX_SAFE_INTEGER, 1],
    isTogether: true,
  }),
  workerDeath({
    name: 'worker-death-twice',
    about: 'a worker dies, and its successor too, where it takes back or applies',
    deaths: 2,
    firstSequence: 0,
    amounts: [1, 10],
    isTogether: true,
  }),
] as const;

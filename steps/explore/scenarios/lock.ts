/**
 * Workers of step 7, which share one lock, and of step 8, whose lock lets readers in together: each applies its events
 * to the same balance. What the lock guards is read and written plainly, so a lock that does not guard is a data race.
 */

import type { Task } from '../../06-worker-threads/queue.ts';
import * as oneLock from '../../07-one-lock/lock.ts';
import * as readWriteLock from '../../08-sharded-locks/lock.ts';
import { type Ending, fine, type NamedWord, type Scenario, type Verdict, wrong } from '../scenario.ts';
import { runStepWorker } from '../step-worker.ts';

interface Memory {
  balances: Float64Array<SharedArrayBuffer>;
  lock: Int32Array<SharedArrayBuffer>;
}

const WORDS = ['next', 'served', 'readers'];
const add = (amount: number): Task => ({ row: 0, amount, asks: false });
/** The reading of the balance. */
const READ: Task = { row: 0, amount: 0, asks: true };

/** `tasks`: those of each worker. */
function lockScenario(name: string, about: string, step: string, tasks: Task[][]): Scenario<Memory> {
  const isReadWrite = step.startsWith('08');
  const amounts = tasks.flat().map(({ amount }) => amount);
  const total = amounts.reduce((sum, amount) => sum + amount);
  return {
    name,
    group: 'lock',
    about,
    // A sleeper that nobody woke must look again, and sleep on.
    budget: { timeOuts: 0, wakesForNothing: tasks.length === 2 ? 1 : 0, deaths: 0 },
    create: () => ({
      balances: new Float64Array(new SharedArrayBuffer(8)),
      lock: (isReadWrite ? readWriteLock : oneLock).createLock() as Int32Array<SharedArrayBuffer>,
    }),
    explored: ({ balances, lock }) => [lock.buffer, balances.buffer],
    words: ({ balances, lock }) => [
      ...Array.from(lock, (_, index): NamedWord => ({ name: WORDS[index]!, view: lock, index })),
      { name: 'balance', view: balances, index: 0 },
    ],
    threads: tasks.map((own, worker) => ({
      name: own.every(({ amount }) => amount === 0) ? `reader ${worker}` : `worker ${worker}`,
      run({ balances, lock }, _, run) {
        const onReply = (balance: number) => {
          if (!isSumOf(balance, amounts)) throw new Error(`a reader saw ${balance}`);
        };
        // A worker is loaded anew for every run; three of them would take too long for all the schedules they have.
        if (tasks.length > 2) return useLock({ balances, lock }, own, isReadWrite, onReply);
        const given = isReadWrite ? { balances, locks: [lock] } : { balances, lock };
        return runStepWorker(step, run, own, given, onReply);
      },
    })),
    verdict: ({ balances, lock }, endings) => verdictOn(balances[0]!, total, lock, endings),
  };
}

/** What the steps' workers do with their lock. */
function useLock(
  { balances, lock }: Memory,
  tasks: readonly Task[],
  isReadWrite: boolean,
  onReply: (balance: number) => void,
): void {
  for (const { amount } of tasks) {
    if (amount === 0) {
      readWriteLock.acquireRead(lock);
      onReply(balances[0]!);
      readWriteLock.releaseRead(lock);
      continue;
    }
    if (isReadWrite) readWriteLock.acquireWrite(lock);
    else oneLock.acquire(lock);
    balances[0] = balances[0]! + amount;
    if (isReadWrite) readWriteLock.releaseWrite(lock);
    else oneLock.release(lock);
  }
}

function verdictOn(balance: number, total: number, lock: Int32Array, endings: readonly Ending[]): Verdict {
  if (endings.some(ending => ending !== 'finished'))
    return wrong(`somebody sleeps on: ${endings.join(', ')}`);
  if (balance !== total) return wrong(`updates are lost: ${balance}, not ${total}`);
  if (lock[0] !== lock[1] || (lock[2] ?? 0) !== 0) return wrong('the lock is not free at the end');
  return fine('every update counts, and nobody sleeps on');
}

/** The sum of some of them. They are different powers of ten. */
function isSumOf(balance: number, amounts: readonly number[]): boolean {
  return /^[01]*$/.test(String(balance)) && balance <= amounts.reduce((sum, amount) => sum + amount);
}

const ONE_LOCK = '07-one-lock';
const SHARDED = '08-sharded-locks';

export const scenarios = [
  lockScenario('lock', 'two workers of step 7, one event each', ONE_LOCK, [[add(1)], [add(10)]]),
  lockScenario('lock-twice', 'two workers of step 7, two events each', ONE_LOCK, [
    [add(1), add(10)],
    [add(100), add(1_000)],
  ]),
  lockScenario('lock-3', 'three threads with the lock of step 7, one event each', ONE_LOCK, [
    [add(1)],
    [add(10)],
    [add(100)],
  ]),
  lockScenario('lock-write-write', 'two workers of step 8, one event each', SHARDED, [[add(1)], [add(10)]]),
  lockScenario('lock-read-write', 'a reader and a writer of step 8', SHARDED, [[READ], [add(1)]]),
  lockScenario('lock-read-read-write', 'two readers and a writer with the lock of step 8', SHARDED, [
    [READ],
    [READ],
    [add(1)],
  ]),
  lockScenario('lock-read-write-write', 'a reader and two writers with the lock of step 8', SHARDED, [
    [READ],
    [add(1)],
    [add(10)],
  ]),
] as const;

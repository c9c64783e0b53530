/**
 * Workers of step 6 that apply one event each to the same balance: a plain read, an addition, a plain write. Only the
 * balance is explored; a worker's queue is its own. And, beside it, the same addition by `Atomics.add`.
 */
import { fine, NOTHING, type Scenario, wrong } from '../scenario.ts';
import { runStepWorker } from '../step-worker.ts';

interface Memory {
  balances: Float64Array<SharedArrayBuffer>;
}

const AMOUNTS = [100, 10, 1];

function lostUpdate(name: string, workers: number): Scenario<Memory> {
  return {
    name,
    group: 'lost-update',
    about: `${workers === 2 ? 'two' : 'three'} workers of step 6 add to one balance, without a lock`,
    budget: NOTHING,
    isWrongOnPurpose: true,
    create: () => ({ balances: new Float64Array(new SharedArrayBuffer(8)) }),
    explored: ({ balances }) => [balances.buffer],
    plain: ({ balances }) => [balances.buffer],
    words: ({ balances }) => [{ name: 'balance', view: balances, index: 0 }],
    threads: AMOUNTS.slice(0, workers).map((amount, worker) => ({
      name: `worker ${worker}`,
      run: ({ balances }, _, run) =>
        runStepWorker('06-worker-threads', run, [{ row: 0, amount, asks: false }], { balances }),
    })),
    verdict: ({ balances }) => verdictOn(balances[0]!, workers),
  };
}

function verdictOn(balance: number, workers: number) {
  const expected = AMOUNTS.slice(0, workers).reduce((sum, amount) => sum + amount);
  return balance === expected
    ? fine('every update counts')
    : wrong(`updates are lost: ${balance}, not ${expected}`);
}

const atomicAdd: Scenario<{ balance: Int32Array<SharedArrayBuffer> }> = {
  name: 'lost-update-never',
  group: 'lost-update',
  about: 'two threads add to one balance by Atomics.add',
  budget: NOTHING,
  create: () => ({ balance: new Int32Array(new SharedArrayBuffer(8)) }),
  explored: ({ balance }) => [balance.buffer],
  words: ({ balance }) => [{ name: 'balance', view: balance, index: 0 }],
  threads: AMOUNTS.slice(0, 2).map((amount, thread) => ({
    name: `thread ${thread}`,
    run: ({ balance }) => void Atomics.add(balance, 0, amount),
  })),
  verdict: ({ balance }) => verdictOn(balance[0]!, 2),
};

export const scenarios = [lostUpdate('lost-update', 2), lostUpdate('lost-update-3', 3), atomicAdd] as const;

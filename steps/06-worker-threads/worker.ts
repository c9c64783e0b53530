/** A thread that applies events, one after the other. The balances are everybody's. */
import { parentPort, workerData } from 'node:worker_threads';
import { pop, waitFront } from './queue.ts';
import { work } from './work.ts';

const { queue, flags, balances } = workerData;

for (;;) {
  const { row, amount, asks } = waitFront(queue);
  const balance = amount === 0 ? balances[row] : add(row, amount);
  pop(queue);
  if (asks) parentPort!.postMessage(balance);
}

function add(row: number, amount: number): number {
  work(flags['work-us'], flags.work);
  const balance = balances[row] + amount;
  // If another thread changes this balance here, the next line undoes it.
  work(flags['window-us'], flags.work);
  if (Number.isSafeInteger(balance)) balances[row] = balance;
  return balance;
}

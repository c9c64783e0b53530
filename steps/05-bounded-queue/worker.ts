/** The thread that applies events, one after the other. The balances are its own. */
import { parentPort, workerData } from 'node:worker_threads';
import { pop, waitFront } from './queue.ts';
import { work } from './work.ts';

const { queue, flags, usersMax } = workerData;
const balances = new Float64Array(usersMax);

for (;;) {
  const { row, amount, asks } = waitFront(queue);
  const balance = amount === 0 ? balances[row]! : add(row, amount);
  pop(queue);
  if (asks) parentPort!.postMessage(balance);
}

function add(row: number, amount: number): number {
  work(flags['work-us'], flags.work);
  const balance = balances[row]! + amount;
  if (Number.isSafeInteger(balance)) balances[row] = balance;
  return balance;
}

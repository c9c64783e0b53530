/** A thread that applies events, one after the other. The balances belong to whoever has the lock. */
import { parentPort, workerData } from 'node:worker_threads';
import { acquire, release } from './lock.ts';
import { pop, waitFront } from './queue.ts';
import { work } from './work.ts';

const { queue, flags, balances, lock } = workerData;

for (;;) {
  const { row, amount, asks } = waitFront(queue);
  const balance = amount === 0 ? read(row) : add(row, amount);
  pop(queue);
  if (asks) parentPort!.postMessage(balance);
}

function read(row: number): number {
  acquire(lock);
  const balance = balances[row];
  release(lock);
  return balance;
}

function add(row: number, amount: number): number {
  work(flags['work-us'], flags.work);
  acquire(lock);
  const balance = balances[row] + amount;
  work(flags['window-us'], flags.work);
  if (Number.isSafeInteger(balance)) balances[row] = balance;
  release(lock);
  return balance;
}

/** A thread that applies events, one after the other. A balance belongs to whoever has the lock of its shard. */
import { parentPort, workerData } from 'node:worker_threads';
import { acquireRead, acquireWrite, releaseRead, releaseWrite } from './lock.ts';
import { pop, waitFront } from './queue.ts';
import { work } from './work.ts';

const { queue, flags, balances, locks } = workerData;

for (;;) {
  const { row, amount, asks } = waitFront(queue);
  const balance = amount === 0 ? read(row) : add(row, amount);
  pop(queue);
  if (asks) parentPort!.postMessage(balance);
}

function read(row: number): number {
  const lock = locks[row % locks.length];
  acquireRead(lock);
  const balance = balances[row];
  releaseRead(lock);
  return balance;
}

function add(row: number, amount: number): number {
  work(flags['work-us'], flags.work);
  const lock = locks[row % locks.length];
  acquireWrite(lock);
  const balance = balances[row] + amount;
  work(flags['window-us'], flags.work);
  if (Number.isSafeInteger(balance)) balances[row] = balance;
  releaseWrite(lock);
  return balance;
}

/** Goes in as a reader and stays until so many are inside: that ends only if they can be inside together. */
import { parentPort, workerData } from 'node:worker_threads';
import { acquireRead, releaseRead } from '../../../steps/08-sharded-locks/lock.ts';
import { MET } from './table.ts';

const { lock, table, readers } = workerData as { lock: Int32Array; table: Int32Array; readers: number };

acquireRead(lock);
Atomics.add(table, MET, 1);
Atomics.notify(table, MET);
for (let met = Atomics.load(table, MET); met < readers; met = Atomics.load(table, MET))
  Atomics.wait(table, MET, met);
releaseRead(lock);
parentPort!.postMessage('met');

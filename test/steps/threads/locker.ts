/** Takes a step's lock again and again, and looks whether it keeps what a lock must keep. */
import { parentPort, workerData } from 'node:worker_threads';
import { acquire, release } from '../../../steps/07-one-lock/lock.ts';
import {
  acquireRead,
  acquireWrite,
  releaseRead,
  releaseWrite,
} from '../../../steps/08-sharded-locks/lock.ts';
import { GONE, INSIDE, LOG, LOG_NEXT, ONE, OTHER, READY } from './table.ts';

export interface LockWork {
  kind: 'mutex' | 'writer' | 'reader';
  lock: Int32Array;
  table: Int32Array;
  rounds: number;
  /** Threads that start together. */
  together: number;
  /** Instead of rounds: go on until so many others are gone. */
  untilGone?: number;
}

const { kind, lock, table, rounds, together, untilGone } = workerData as LockWork;
let wrong = 0;
let done = 0;

// Who never stops has begun before the others start.
if (untilGone !== undefined) enter();
Atomics.add(table, READY, 1);
while (Atomics.load(table, READY) < together);
while (untilGone === undefined ? done < rounds : Atomics.load(table, GONE) < untilGone) {
  enter();
}
if (untilGone === undefined) Atomics.add(table, GONE, 1);
parentPort!.postMessage({ wrong, done });

function enter(): void {
  if (kind === 'reader') read();
  else write();
  done += 1;
}

/** Two numbers that a writer changes one after the other, without any care: they are the same unless it is inside. */
function read(): void {
  acquireRead(lock);
  note(2);
  if (Atomics.load(table, INSIDE) !== 0 || table[ONE] !== table[OTHER]) wrong += 1;
  releaseRead(lock);
}

function write(): void {
  if (kind === 'mutex') acquire(lock);
  else acquireWrite(lock);
  note(1);
  if (Atomics.add(table, INSIDE, 1) !== 0) wrong += 1;
  const one = table[ONE]! + 1;
  table[ONE] = one;
  for (let pause = 0; pause < 20; pause++) if (table[OTHER] !== one - 1) wrong += 1;
  table[OTHER] = one;
  Atomics.sub(table, INSIDE, 1);
  if (kind === 'mutex') release(lock);
  else releaseWrite(lock);
}

/** Who came in, in order, for as long as there is room. */
function note(who: number): void {
  const at = Atomics.add(table, LOG_NEXT, 1);
  if (LOG + at < table.length) Atomics.store(table, LOG + at, who);
}

/** A thread of the lab: reads and moves as fast as it can, or adds everything up again and again, until it is told to end. */
import { parentPort, workerData } from 'node:worker_threads';
import { openStore, type Store, VALUE } from './ways.ts';

export interface Job {
  store: Store;
  /** From 0. */
  thread: number;
  entries: number;
  /** Of a thousand operations, so many move; the others read one value. Of a thread that adds up, there are no others. */
  movesPerMille: number | 'adds up';
  /** 0: wait; 1: go; 2: end. */
  signal: Int32Array<SharedArrayBuffer>;
}

export interface Done {
  reads: number;
  moves: number;
  /** What its moves have given to key 1, less what they have taken. */
  given: number;
  totals: number;
  /** Totals that were not what they are for ever. */
  wrong: number;
}

const GO = 1;
/** Between two looks at the signal. */
const OPERATIONS = 32;
/** Of who adds up, in the middle. */
const PAUSE_MS = 1;

if (parentPort !== null) {
  const job = workerData as Job;
  parentPort.postMessage('ready');
  Atomics.wait(job.signal, 0, 0);
  parentPort.postMessage(job.movesPerMille === 'adds up' ? addUp(job) : operate(job, job.movesPerMille));
}

function operate({ store, thread, entries, signal }: Job, movesPerMille: number): Done {
  const way = openStore(store, thread);
  const done: Done = { reads: 0, moves: 0, given: 0, totals: 0, wrong: 0 };
  let random = 0x9e3779b1 * (thread + 1);
  const next = (below: number) => {
    random ^= random << 13;
    random ^= random >>> 17;
    random ^= random << 5;
    return (random >>> 0) % below;
  };
  let seen = 0;
  while (Atomics.load(signal, 0) === GO)
    for (let operation = 0; operation < OPERATIONS; operation += 1)
      if (next(1_000) < movesPerMille) {
        const [from, to] = [1 + next(entries), 1 + next(entries)];
        way.move(from, to);
        done.moves += 1;
        done.given += Number(to === 1) - Number(from === 1);
      } else {
        seen += way.get(1 + next(entries));
        done.reads += 1;
      }
  if (Number.isNaN(seen)) throw new Error('a value is missing');
  return done;
}

function addUp({ store, thread, entries, signal }: Job): Done {
  const way = openStore(store, thread);
  const bed = new Int32Array(new SharedArrayBuffer(4));
  const pause = () => void Atomics.wait(bed, 0, 0, PAUSE_MS);
  const done: Done = { reads: 0, moves: 0, given: 0, totals: 0, wrong: 0 };
  while (Atomics.load(signal, 0) === GO) {
    done.totals += 1;
    if (way.total(pause) !== entries * VALUE) done.wrong += 1;
  }
  return done;
}

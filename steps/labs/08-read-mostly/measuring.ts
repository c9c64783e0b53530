/** Runs threads at a shared map for some time, and says what they did. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { sourceFlags } from '../../kit/server.ts';
import type { Done, Job } from './thread.ts';
import { createStore, openStore, VALUE, type WayName } from './ways.ts';

export interface Trial {
  way: WayName;
  entries: number;
  /** What each thread does; see thread.ts. */
  threads: readonly Job['movesPerMille'][];
  ms: number;
}

export interface Outcome {
  /** A second, of all threads together. */
  readsPerS: number;
  movesPerS: number;
  totals: number;
  wrongTotals: number;
  /** Whether all values add up to what they were, and one of them to what it was given. */
  isWhole: boolean;
}

const HERE = new URL('.', import.meta.url);

/** `folder`: where the program of the threads is. */
export async function outcomeOf({ way, entries, threads, ms }: Trial, folder = HERE): Promise<Outcome> {
  const store = createStore(way, entries, threads.length);
  const signal = new Int32Array(new SharedArrayBuffer(4));
  const file = new URL(`thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, folder);
  const execArgv = file.href.endsWith('.ts') ? sourceFlags() : [];
  const workers = threads.map((movesPerMille, thread) => {
    const workerData: Job = { store, thread, entries, movesPerMille, signal };
    return new Worker(file, { execArgv, workerData });
  });
  const told = (what: number) => {
    Atomics.store(signal, 0, what);
    Atomics.notify(signal, 0);
  };
  try {
    await Promise.all(workers.map(worker => once(worker, 'message')));
    const ended = Promise.all(workers.map(async worker => (await once(worker, 'message'))[0] as Done));
    const startMs = performance.now();
    told(1);
    await sleep(ms);
    told(2);
    const all = await ended;
    const seconds = (performance.now() - startMs) / 1_000;
    const sum = (what: keyof Done) => all.reduce((total, done) => total + done[what], 0);
    const left = openStore(store, 0);
    return {
      readsPerS: sum('reads') / seconds,
      movesPerS: sum('moves') / seconds,
      totals: sum('totals'),
      wrongTotals: sum('wrong'),
      isWhole: left.total(() => {}) === entries * VALUE && left.get(1) === VALUE + sum('given'),
    };
  } finally {
    await Promise.all(workers.map(worker => worker.terminate()));
  }
}

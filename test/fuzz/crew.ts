/** The threads of a run: each examines its share; the first difference ends all. */
import { Worker } from 'node:worker_threads';
import type { Options } from './options.ts';
import { examineShare, type Progress, type Share, type ShareOutcome } from './share.ts';

/** `--import tsx` registers nothing in a worker thread on Node 20, so it is done by name. */
const REGISTER = new URL('../engine/threads/register.mjs', import.meta.url).href;
const THREAD = new URL('./thread.ts', import.meta.url);

export type FromThread = { done: number } | { outcome: ShareOutcome };

/** The first thread's seed is the run's own, so one thread makes what it always made. */
export function seedOf(seed: number, thread: number): number {
  return (seed + Math.imul(thread, 0x9e3779b9)) >>> 0;
}

export function sharesOf({ subject, count, secondsMax, seed, threads }: Options): Share[] {
  return Array.from({ length: threads }, (_, thread) => ({
    subject,
    secondsMax,
    seed: seedOf(seed, thread),
    count: Math.floor(count / threads) + (thread < count % threads ? 1 : 0),
  }));
}

/** Resolves to what was found in all shares, or in those that had ended when one found a difference. */
export async function examineShares(shares: Share[], progress: Progress): Promise<ShareOutcome[]> {
  if (shares.length === 1) return [await examineShare(shares[0]!, progress)];
  const done = shares.map(() => 0);
  const hasEnded = shares.map(() => false);
  const workers: Worker[] = [];
  const outcomes: ShareOutcome[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      for (const [index, share] of shares.entries()) {
        const worker = new Worker(THREAD, { workerData: share, execArgv: ['--import', REGISTER] });
        workers.push(worker);
        worker.on('error', reject);
        worker.on('message', (message: FromThread) => {
          if ('done' in message) {
            done[index] = message.done;
            progress(done.reduce((sum, each) => sum + each));
            return;
          }
          hasEnded[index] = true;
          outcomes.push(message.outcome);
          if (message.outcome.difference !== undefined || outcomes.length === shares.length) resolve();
        });
        worker.on('exit', () => {
          if (!hasEnded[index]) reject(new Error('a thread of the fuzzer ended too early'));
        });
      }
    });
  } finally {
    await Promise.all(workers.map(worker => worker.terminate()));
  }
  return outcomes;
}

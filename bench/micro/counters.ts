/**
 * The cost of contention: threads that count, in shared or separate words. The engine's counts are single-writer
 * words on separate cache lines, summed by the reader; this measures what other ways to share a count would cost.
 *
 * The figure is the time until all threads are done, divided by the counts of one thread: with enough cores it does
 * not depend on the number of threads, unless they contend. With more threads than cores it must grow.
 */
import type { Bench, Size } from '../bench.ts';
import { alternate, type Trial } from '../rounds.ts';
import type { CountersAnswer, CountersWork, Way } from './counters-worker.ts';
import { runThreads } from './thread.ts';

const ROUNDS = 5;
const THREADS = [1, 2, 4];
/** Words of two cache lines, since processors fetch them in pairs. */
const LINE_WORDS = 32;

const SUBJECTS: Record<Way, string> = {
  apart: 'a word each, lines apart',
  beside: 'a word each, side by side',
  shared: 'one word, Atomics.add',
  lock: 'one number, under a lock',
};

/** Counts of each thread: enough for 10 to 300 ms. */
const COUNTS: Record<Way, number> = {
  apart: 4_000_000,
  beside: 4_000_000,
  shared: 4_000_000,
  lock: 1_000_000,
};

export const bench: Bench = {
  name: 'micro-counters',
  about: 'threads counting together or apart: single writers, one atomic word, a lock',
  run(size, say) {
    const ways = Object.keys(SUBJECTS) as Way[];
    const trials = THREADS.flatMap(threads => ways.map(way => trialOf(way, threads, size)));
    return alternate(size === 'full' ? ROUNDS : 1, trials, say);
  },
};

function trialOf(way: Way, threads: number, size: Size): Trial {
  // Small enough for tests, and enough for threads that start a moment apart to meet.
  const counts = COUNTS[way] / (size === 'full' ? 1 : 10);
  return {
    subject: SUBJECTS[way],
    condition: `${threads} thread${threads === 1 ? '' : 's'}`,
    async run() {
      const words = new Int32Array(new SharedArrayBuffer(4 * LINE_WORDS * Math.max(threads, 2)));
      const works = Array.from({ length: threads }, (_, thread): CountersWork => {
        const word = way === 'apart' ? thread * LINE_WORDS : way === 'beside' ? thread : 0;
        return { way, counts, words, word, lock: LINE_WORDS };
      });
      const answers = await runThreads<CountersAnswer>('counters-worker', works);
      const total = words.reduce((sum, word) => sum + word, 0);
      if (total !== threads * counts)
        throw new Error(`${SUBJECTS[way]}: ${threads} threads counted to ${total}, not ${threads * counts}`);
      const startNs = Math.min(...answers.map(answer => answer.startNs));
      const endNs = Math.max(...answers.map(answer => answer.endNs));
      return [{ unit: 'ns/count', better: 'lower', value: (endNs - startNs) / counts }];
    },
  };
}

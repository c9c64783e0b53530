/** Step 9: what a count costs in each of three ways, by how many threads count. */
import { availableParallelism } from 'node:os';
import { countedMs } from '../../../steps/kit/asides.ts';
import { logarithmic, plain } from '../axis.ts';
import type { Point } from '../draw.ts';
import { lineGraph } from '../graph.ts';
import { isFlat, rises } from '../shapes.ts';

const THREADS = [1, 2, 4, 8];
/** Enough that start and stop do not matter, and few enough that the lock takes a second at most. */
const TIMES: Record<string, number> = { lock: 20_000, shared: 1_000_000, padded: 1_000_000 };
/** The best round counts: the cost without other work of the machine. */
const ROUNDS = 3;
const NS_PER_MS = 1e6;

const LABELS: Record<string, string[]> = {
  lock: ['a number and a lock'],
  shared: ['one atomic number'],
  padded: ['one for each thread,', 'on its own cache lines'],
};

export const graph = lineGraph({
  name: 'counting',
  about: 'cost of three ways of counting, by threads (step 9)',
  title: 'Three ways to count what several threads do',
  subtitle: [
    'The counters of step 9, by themselves: every thread counts as fast as it can.',
    'Nanoseconds of a processor for each count, best of three rounds.',
  ],
  shapes: { lock: [rises(3)], shared: [], padded: [isFlat(3)] },
  distances: [
    { upper: 'lock', lower: 'shared', from: 2, times: 3 },
    { upper: 'lock', lower: 'padded', from: 2, times: 5 },
    { upper: 'shared', lower: 'padded', from: 2, times: 1 },
  ],
  at: THREADS,
  measure: async say => {
    const series: Record<string, Point[]> = {};
    for (const [way, times] of Object.entries(TIMES)) {
      say(way);
      series[way] = [];
      for (const threads of THREADS) series[way].push({ x: threads, y: await bestNs(way, times, threads) });
    }
    return series;
  },
  x: values => logarithmic('Threads that count', values, String, THREADS),
  y: values => logarithmic('ns for each count (logarithmic)', values),
  label: name => LABELS[name]!,
  describe: series => {
    const at = (name: string, index: number) => plain(series[name]!.at(index)!.y);
    return (
      `Alone, a count costs ${at('lock', 0)} ns with a lock, ${at('shared', 0)} ns shared and ${at('padded', 0)} ns ` +
      `padded. With eight threads it is ${at('lock', -1)}, ${at('shared', -1)} and ${at('padded', -1)} ns.`
    );
  },
});

/** Threads beyond the number of processors only wait for one, and are not counted as parallel. */
async function bestNs(way: string, times: number, threads: number): Promise<number> {
  let bestMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1)
    bestMs = Math.min(bestMs, await countedMs(way, times, threads));
  const processors = Math.min(threads, availableParallelism());
  return Number(((bestMs * NS_PER_MS * processors) / (times * threads)).toPrecision(3));
}

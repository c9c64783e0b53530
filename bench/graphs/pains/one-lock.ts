/** Pain 7: throughput by the number of workers, with one lock and with many. */

import { count } from '../../../src/cli/terminal/numbers.ts';
import { ofStep } from '../../../steps/kit/server.ts';
import { throughputPerS } from '../../../steps/kit/witnesses/pain-07.ts';
import { linear } from '../axis.ts';
import type { Point } from '../draw.ts';
import { lineGraph } from '../graph.ts';
import { isFlat, risesInProportion } from '../shapes.ts';

const WORKERS = [1, 2, 4, 8];

export const graph = lineGraph({
  name: 'one-lock',
  about: 'throughput by workers under one lock (pain 7)',
  title: 'A hot lock: eight workers get as much done as one',
  subtitle: [
    '64 clients, each with a user of its own. An event holds its lock for 5 ms, asleep.',
    'Events applied a second.',
  ],
  shapes: { 'step 7': [isFlat(1.3)], 'step 8': [risesInProportion(1.6)] },
  distances: [{ upper: 'step 8', lower: 'step 7', from: 4, times: 2 }],
  at: WORKERS,
  measure: async say => ({ 'step 7': await byWorkers(7, say), 'step 8': await byWorkers(8, say) }),
  x: values => linear('Workers', values, String, WORKERS),
  y: values => linear('Events a second', values),
  label: name => (name === 'step 7' ? ['one lock'] : ['64 locks']),
  describe: series =>
    `With one lock, one worker applies ${count(series['step 7']![0]!.y)} events a second and eight apply ` +
    `${count(series['step 7']!.at(-1)!.y)}. With 64 locks eight apply ${count(series['step 8']!.at(-1)!.y)}.`,
});

async function byWorkers(step: number, say: (line: string) => void): Promise<Point[]> {
  const points: Point[] = [];
  for (const workers of WORKERS) {
    say(`step ${step}, workers: ${workers}`);
    points.push({ x: workers, y: Math.round(await throughputPerS(ofStep(step), workers)) });
  }
  return points;
}

/** Pain 6: the sum of what was accepted beside the balance, by the number of workers. */

import { count } from '../../../src/cli/terminal/numbers.ts';
import { ofStep } from '../../../steps/kit/server.ts';
import { lostUpdates } from '../../../steps/kit/witnesses/pain-06.ts';
import { linear } from '../axis.ts';
import type { Point } from '../draw.ts';
import { lineGraph } from '../graph.ts';
import { falls, isFlat, startsAt } from '../shapes.ts';

const WORKERS = [1, 2, 4, 8];
/** 16 clients, 20 times each. */
const SUM = 320;
const [EXPECTED, ACTUAL] = ['accepted', 'the balance'];

export const graph = lineGraph({
  name: 'sums',
  about: 'expected and actual sum by number of workers (pain 6)',
  title: 'Lost updates: the more workers, the less is left',
  subtitle: [
    'Step 6. 16 clients buy 1 for one user, 20 times each; from reading to writing it is 2 ms.',
    'What was accepted, and what the balance is when all of it was applied.',
  ],
  shapes: { [EXPECTED]: [startsAt(SUM), isFlat(1)], [ACTUAL]: [startsAt(SUM), falls(2)] },
  distances: [
    { upper: EXPECTED, lower: ACTUAL, from: 1, times: 1 },
    { upper: EXPECTED, lower: ACTUAL, from: 4, times: 1.5 },
  ],
  at: WORKERS,
  measure: async say => {
    const series: Record<string, Point[]> = { [EXPECTED]: [], [ACTUAL]: [] };
    for (const workers of WORKERS) {
      say(`step 6, workers: ${workers}`);
      const { evidence } = await lostUpdates.run(withWorkers(workers), () => {});
      series[EXPECTED]!.push({ x: workers, y: evidence.accepted as number });
      series[ACTUAL]!.push({ x: workers, y: evidence.balance as number });
    }
    return series;
  },
  x: values => linear('Workers', values, String, WORKERS),
  y: values => linear('Sum of all that was bought', values),
  label: name => (name === EXPECTED ? ['what the sum should be'] : ['what it is']),
  describe: series =>
    `With one worker the balance is ${count(series[ACTUAL]![0]!.y)} of ${count(series[EXPECTED]![0]!.y)}. With ` +
    `${WORKERS.at(-1)} it is ${count(series[ACTUAL]!.at(-1)!.y)}.`,
});

/** Step 6, whatever number of workers the witness asks for. */
function withWorkers(workers: number) {
  const step = ofStep(6);
  return { ...step, start: (settings = {}) => step.start({ ...settings, workers }) };
}

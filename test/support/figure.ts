/** A figure of the server, for what is kept of a long run. */
import type { Measure } from '../../bench/bench.ts';

export function figure(
  condition: string,
  unit: string,
  better: Measure['better'],
  ...samples: number[]
): Measure {
  return { subject: 'tally', condition, unit, better, samples };
}

/**
 * Trials in turn. A machine drifts (heat, neighbours, caches), so measuring all of A and then all of B compares
 * two moments as much as two subjects. Here every round runs each trial once, A B C, then B C A, then C A B: who
 * comes first, and after whom, changes from round to round. A round before the first warms up and is dropped.
 */
import type { Measure } from './bench.ts';

/** What one run of a trial found. A run may find several: events a second, and processor time an event. */
export interface Figure {
  /** As in `Measure`. Identifies the figures of a trial, so each unit may occur once. */
  unit: string;
  better: Measure['better'];
  value: number;
}

export interface Trial {
  subject: string;
  /** Empty where there is only one. */
  condition: string;
  /** Measures once, checks the answer, and throws if it is wrong. Finds the same figures every time. */
  run(): Promise<Figure[]>;
}

/**
 * Runs `rounds` rounds after one that is dropped; a single round, which has no median, needs no warm-up. Returns a
 * measure for every figure of every trial, in the order of the trials, each with one sample a round. An error of a
 * run ends all: a wrong answer has no figure.
 */
export async function alternate(
  rounds: number,
  trials: readonly Trial[],
  say: (line: string) => void = () => {},
): Promise<Measure[]> {
  if (!Number.isInteger(rounds) || rounds < 1) throw new RangeError(`${rounds} rounds are too few`);
  const measuresOf = new Map(trials.map(trial => [trial, new Map<string, Measure>()]));
  const first = rounds > 1 ? 0 : 1;
  for (let round = first; round <= rounds; round++) {
    const isWarmUp = round === 0;
    say(isWarmUp ? 'warm-up' : `round ${round} of ${rounds}`);
    for (const trial of rotated(trials, round)) {
      const figures = await trial.run();
      if (!isWarmUp) collect(trial, figures, measuresOf.get(trial)!);
    }
  }
  return trials.flatMap(trial => [...measuresOf.get(trial)!.values()]);
}

/** The same, starting `by` further on. */
export function rotated<Item>(items: readonly Item[], by: number): Item[] {
  if (items.length === 0) return [];
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

function collect({ subject, condition }: Trial, figures: Figure[], measures: Map<string, Measure>): void {
  for (const { unit, better, value } of figures) {
    if (!Number.isFinite(value)) throw new Error(`${subject} ${condition}: ${value} ${unit} is not a figure`);
    const measure = measures.get(unit) ?? { subject, condition, unit, better, samples: [] };
    measure.samples.push(value);
    measures.set(unit, measure);
  }
}

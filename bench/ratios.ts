/** Figures of one subject for each of another's, within a round, so that the drift of the machine is in both. */
import { median, quantileOf } from '../src/tools/harness/samples.ts';
import type { Measure } from './bench.ts';

/** Of each of the subjects, under each condition that the reference has been measured under too. */
export function ratiosTo(
  reference: string,
  subjects: readonly string[],
  unit: string,
  measures: readonly Measure[],
): Measure[] {
  const of = measures.filter(measure => measure.unit === unit);
  return of.flatMap(measure => {
    if (!subjects.includes(measure.subject)) return [];
    const other = of.find(each => each.subject === reference && each.condition === measure.condition);
    if (other === undefined) return [];
    const samples = measure.samples.map((sample, round) => sample / other.samples[round]!);
    return [{ ...measure, subject: `${measure.subject} / ${reference}`, unit: `ratio of ${unit}`, samples }];
  });
}

/** The median and the quartiles of a measure, as subjects of their own, for many rounds, whose ends say little. */
export function quartilesOf(measure: Measure): Measure[] {
  const { samples } = measure;
  const quartiles = {
    'first quartile': quantileOf(samples, 0.25),
    median: median(samples),
    'third quartile': quantileOf(samples, 0.75),
  };
  return Object.entries(quartiles).map(([name, value]) => ({
    ...measure,
    subject: `${measure.subject}, ${name}`,
    samples: [value],
  }));
}

/** A histogram for the terminal: few bars, whose widths grow in the steps 1, 2, 5. */
import type { Histogram, JsHistogram } from 'hdr-histogram-js';

export interface Bucket {
  uptoMs: number;
  count: number;
}

const US_PER_MS = 1_000;
const STEPS = [1, 2, 5];

/** From the fastest reply to the slowest, empty ones between them included. */
export function bucketsOf(histogram: Histogram): Bucket[] {
  if (histogram.totalCount === 0) return [];
  const buckets: Bucket[] = [];
  const values = (histogram as JsHistogram).recordedValuesIterator;
  values.reset();
  let edge = 0;
  while (values.hasNext()) {
    const { valueIteratedTo, countAddedInThisIterationStep } = values.next();
    while (valueIteratedTo >= edgeUs(edge)) {
      edge++;
      // Nothing before the first reply is shown.
      if (buckets.length > 0) buckets.push({ uptoMs: edgeUs(edge) / US_PER_MS, count: 0 });
    }
    if (buckets.length === 0) buckets.push({ uptoMs: edgeUs(edge) / US_PER_MS, count: 0 });
    buckets.at(-1)!.count += countAddedInThisIterationStep;
  }
  return buckets;
}

/** 10, 20, 50, 100, 200 … microseconds. */
function edgeUs(index: number): number {
  return STEPS[index % 3]! * 10 ** (1 + Math.floor(index / 3));
}

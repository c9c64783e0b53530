/** What a bench is, and what it leaves: samples of figures, each from a run whose answer was checked. */
import type { Machine } from './machine.ts';

/** `small` runs in a second or two, so that the tests can run every bench and none rots. Its figures mean nothing. */
export type Size = 'small' | 'full';

export interface Bench {
  name: string;
  /** One line for the list of benches. */
  about: string;
  /** Of the environment, as it stands in front of the command. */
  setting?: string;
  run(size: Size, say: (line: string) => void): Promise<Measure[]>;
}

/** One figure of one subject, measured several times, in turn with the others'. */
export interface Measure {
  /** What was measured: `tally`, `redis INCRBY`. */
  subject: string;
  /** Under which circumstances: `depth 16`. Empty where there is only one. */
  condition: string;
  /** `events/s`, `µs CPU/event`, `ns/op`. */
  unit: string;
  better: 'higher' | 'lower';
  samples: number[];
}

/** A file in bench/results. */
export interface BenchRecord {
  schema: 1;
  bench: string;
  size: Size;
  startedAt: string;
  command: string;
  commit: string;
  machine: Machine;
  measures: Measure[];
}

export function median(samples: readonly number[]): number {
  if (samples.length === 0) throw new RangeError('there is no median of no samples');
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The value that this share of them do not exceed; 0 of none. */
export function quantileOf(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

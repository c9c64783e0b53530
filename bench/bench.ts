/** A bench and its record: samples of figures, each from a run whose answer was checked. */
import type { Machine } from '../src/tools/harness/machine.ts';

/**
 * `small` runs in a second or two, so that the tests can run all. Its figures mean
 * nothing.
 */
export type Size = 'small' | 'full';

export interface Bench {
  name: string;
  /** One line for the list of benches. */
  about: string;
  /** Environment variables, as written in front of the command. */
  setting?: string;
  run(size: Size, say: (line: string) => void, options: BenchOptions): Promise<Measure[]>;
}

/** Of the command line, for those benches that need them. */
export interface BenchOptions {
  /** A checkout with another build. */
  build?: string;
}

/** One figure of one subject, measured several times, in turn with the others'. */
export interface Measure {
  /** What was measured: `tally`, `redis INCRBY`. */
  subject: string;
  /** The condition: `depth 16`. Empty if there is only one. */
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

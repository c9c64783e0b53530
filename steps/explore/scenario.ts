/**
 * A scenario: a few threads that use shipped modules on small memory, and what may come of it.
 *
 * Its file is loaded in the explorer, with the real `Atomics`, for `create`, `words` and `verdict`; and in each thread,
 * behind the gate, for `threads`.
 */
import type { Gate } from './gate.ts';

/** How a thread's run ended. */
export type Ending =
  | 'finished'
  /** In `Atomics.wait`, and nobody is left who could wake it. */
  | 'asleep'
  /** In a spin loop whose memory nobody is left to change. */
  | 'spinning'
  | 'dead'
  /** Was to start when another one died, and none did. */
  | 'not started';

export interface ScenarioThread<Memory> {
  name: string;
  /** Runs to its end, or until it is gone. `memory` has views whose accesses are explored. */
  run(memory: Memory, gate: Gate, run: number): void | Promise<void>;
  /** It may die before any of its operations and plain writes. */
  mayDie?: boolean;
  /** It starts when that thread has died, and not before. */
  succeeds?: number;
}

export interface NamedWord {
  name: string;
  view: Int32Array | Float64Array | BigInt64Array;
  index: number;
}

export interface Verdict {
  isWrong: boolean;
  /** What came of it, in a few words: one row of the table of outcomes. */
  outcome: string;
}

export interface Budget {
  /** Waits that run out at any moment. Those that run out when nothing else can happen are not counted. */
  timeOuts: number;
  /** Waits that end with nobody having woken them. */
  wakesForNothing: number;
  deaths: number;
}

export interface Scenario<Memory = unknown> {
  /** As in `tally explore NAME`, and in the ids of its schedules. */
  name: string;
  group: string;
  /** One line. */
  about: string;
  threads: readonly ScenarioThread<Memory>[];
  budget: Budget;
  /** Makes the memory as it is at the start of every run. Structured data of views and buffers, shared ones. */
  create(): Memory;
  /** The buffers that are explored, of that memory. */
  explored(memory: Memory): readonly SharedArrayBuffer[];
  /** Those of them whose plain accesses are stops, too: where the subject races on purpose. */
  plain?(memory: Memory): readonly SharedArrayBuffer[];
  /** The words that have a name. */
  words(memory: Memory): readonly NamedWord[];
  /** Which of them stand beside a schedule; all if it is not said. */
  shown?: readonly string[];
  /** Must hold at every moment; the complaint if it does not. */
  invariant?(memory: Memory): string | undefined;
  /** Must hold when nothing can happen but a wait that runs out; the complaint if it does not. */
  idle?(memory: Memory): string | undefined;
  verdict(memory: Memory, endings: readonly Ending[]): Verdict;
  /** Some of its schedules go wrong, and a data race is no mistake of it: that is what it shows. */
  isWrongOnPurpose?: boolean;
}

export const NOTHING: Budget = { timeOuts: 0, wakesForNothing: 0, deaths: 0 };

/** The outcome that may be, and the one that may not. */
export const fine = (outcome: string): Verdict => ({ isWrong: false, outcome });
export const wrong = (outcome: string): Verdict => ({ isWrong: true, outcome });

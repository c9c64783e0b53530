/** What the main thread and the threads of a load run say to each other. */
import type { Credentials } from '../harness/credentials.ts';
import type { Outage } from './outages.ts';
import type { LoadPlan } from './plan.ts';
import type { IntervalCounts, Recorded } from './recorder.ts';
import type { Script } from './script.ts';

export interface ThreadPlan {
  plan: LoadPlan;
  script: Omit<Script, 'bytes'> & { bytes: Uint8Array };
  /** Which of the `plan.threads` this is. */
  thread: number;
  /** Its connections, of the `plan.connections`. */
  connections: number;
  /** Of the run's ids; undefined: its events have none. */
  runId: string | undefined;
  /** Not part of the plan, which is in the results. */
  credentials: Credentials;
}

export type ToThread =
  /** Begin at this time of the monotonic clock, which all threads share. */
  | { type: 'start'; atMs: number }
  /** Send nothing more. */
  | { type: 'stop' };

export type FromThread =
  | { type: 'ready' }
  | { type: 'failed'; message: string }
  | { type: 'progress'; answered: number; busy: number; errors: number; intervals: IntervalCounts[] }
  /** A reply that can't be right. */
  | { type: 'wrong'; what: string }
  /** Everything is answered, or will not be. The connections are still open. */
  | { type: 'quiet' }
  | { type: 'done'; outcome: ThreadOutcome };

export interface ThreadOutcome {
  recorded: Recorded;
  reasons: [string, number][];
  sent: number;
  /** Times that a line was sent again. */
  resent: number;
  unknown: number;
  /** The same of the warm-up. */
  unknownWarmup: number;
  unsent: number;
  late: number;
  /** Connections lost, by what happened. */
  lost: [string, number][];
  /** How often a lost one was opened again, and how many are open at the end. */
  reopened: number;
  open: number;
  outages: Outage[];
  /** Of `unknown` and `unknownWarmup`: on connections that were lost. */
  unknownLost: number;
  unknownLostWarmup: number;
  /** Connections that were hung up on, for a reply that can't be right. */
  hungUp: number;
  /** Replies that came in the time that was measured, to whatever line. */
  inTime: number;
  /** That time: as long as was planned, or up to the last reply where lines ran out or the run was ended. */
  measuredMs: number;
  /** By line of the script: how often it was accepted, and how often sent and not answered, the warm-up included. */
  accepted: Int32Array;
  unanswered: Int32Array;
}

/** The clock that is the same in all threads. */
export function monotonicMs(): number {
  const [seconds, ns] = process.hrtime();
  return seconds * 1_000 + ns / 1e6;
}

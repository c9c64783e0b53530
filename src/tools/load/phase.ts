/**
 * The counts of the warm-up and of the measurement. The warm-up is counted in the same way, although its counts are
 * not used: code that first runs when the measurement begins would slow it by tens of milliseconds at 50,000 lines a
 * second.
 */
import type { FromThread, ThreadOutcome } from './messages.ts';
import type { LoadPlan } from './plan.ts';
import { Recorder } from './recorder.ts';
import { verdictNumber } from './verdicts.ts';

export class Phase {
  readonly recorder: Recorder;
  /** Lines that may still be sent (closed loop). */
  budget: number;
  sent = 0;
  late = 0;
  resent = 0;
  lastReplyMs = 0;

  constructor(plan: LoadPlan, budget: number) {
    this.recorder = new Recorder(plan.stages !== undefined);
    this.budget = budget;
  }

  outcome(): Pick<ThreadOutcome, 'recorded' | 'sent' | 'resent' | 'late'> {
    return { recorded: this.recorder.finish(), sent: this.sent, resent: this.resent, late: this.late };
  }

  /** What has been answered so far, and the seconds that are complete since the last time. */
  progress(): Omit<Extract<FromThread, { type: 'progress' }>, 'type'> {
    const { counts } = this.recorder;
    return {
      answered: counts.reduce((sum, count) => sum + count, 0),
      busy: counts[verdictNumber.busy]!,
      errors: counts[verdictNumber.error]!,
      intervals: this.recorder.takeIntervals(),
    };
  }
}

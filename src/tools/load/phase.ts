/**
 * The counts of the warm-up and of the measurement. The warm-up is counted in the same way, although its counts are
 * not used: code that first runs when the measurement begins would slow it by tens of milliseconds at 50,000 lines a
 * second.
 */
import type { FromThread } from './messages.ts';
import type { LoadPlan } from './plan.ts';
import { verdictNumber } from './protocols.ts';
import { Recorder } from './recorder.ts';

export class Phase {
  readonly recorder: Recorder;
  /** Lines that may still be sent (closed loop). */
  budget: number;
  sent = 0;
  late = 0;
  lastReplyMs = 0;

  constructor(plan: LoadPlan, budget: number) {
    this.recorder = new Recorder(plan.stages !== undefined);
    this.budget = budget;
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

/**
 * What is counted of the warm-up, and of the measurement. The warm-up is counted just as carefully, though nobody
 * reads it: code that runs for the first time when the measurement begins would be slow then, by tens of
 * milliseconds at 50,000 lines a second, and that would be measured.
 */
import type { LoadPlan } from './plan.ts';
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
}

/** One schedule, run step by step, with every operation of every thread as a step of its own. */
import type { Choice, Pending } from './operations.ts';
import type { Verdict } from './scenario.ts';
import type { Stage } from './stage.ts';

export interface Step {
  choice: Choice;
  pending: Pending;
  result: number;
  /** The shown words behind it. */
  values: number[];
}

export interface Replay {
  /** The shown words at the start. */
  values: number[];
  steps: Step[];
  verdict: Verdict;
}

/** A schedule that can't be run as it says. */
export class ScheduleError extends Error {}

/** Behind the last choice it goes on by itself. */
export function replay(stage: Stage, choices: readonly Choice[]): Replay {
  const { sharing, scenario } = stage;
  sharing.stopsAlways = true;
  let model = stage.begin();
  try {
    const values = stage.shownValues();
    const steps: Step[] = [];
    for (let last = 0; ; ) {
      const possible = model.choices(scenario, last);
      const complaint = stage.complaint(possible.isIdle);
      if (complaint !== undefined || possible.choices.length === 0) {
        // What goes wrong ends a run at once, so a schedule may say more than there is.
        if (complaint === undefined && steps.length < choices.length)
          throw new ScheduleError(
            `the schedule is longer than the run, which ends after ${steps.length} steps`,
          );
        return { values, steps, verdict: complaint ?? stage.verdict(model) };
      }
      const wanted = choices[steps.length] ?? possible.choices[0]!;
      const { thread, variant } = wanted;
      if (!possible.choices.some(choice => choice.thread === thread && choice.variant === variant))
        throw new ScheduleError(
          `the schedule does not fit: ${scenario.threads[thread]?.name ?? 'no thread'} can't ${variant === 'run' ? 'go on' : 'do that'} at step ${steps.length + 1}`,
        );
      const pending = model.pending[thread]!;
      stage.grant(model, wanted);
      model = model.copy();
      stage.advance(model, wanted, possible.isIdle);
      last = thread;
      steps.push({
        choice: wanted,
        pending,
        result: stage.lastOf(thread).result,
        values: stage.shownValues(),
      });
    }
  } finally {
    stage.abandon(model);
    sharing.stopsAlways = false;
  }
}

/** The choices of a walk, which leaves out what nobody else can notice, with all of that put in. */
export function expanded(stage: Stage, choices: readonly Choice[]): Choice[] {
  const all: Choice[] = [];
  const model = stage.begin();
  const addPassed = (thread: number) => {
    const { passed } = stage.lastOf(thread);
    for (let operation = 0; operation < passed; operation++) all.push({ thread, variant: 'run' });
  };
  for (const [thread, status] of model.status.entries()) if (status !== 'not started') addPassed(thread);
  for (const [at, choice] of choices.entries()) {
    const { isIdle } = model.choices(stage.scenario, choices[at - 1]?.thread ?? 0);
    all.push(choice);
    stage.grant(model, choice);
    stage.advance(model, choice, isIdle);
    addPassed(choice.thread);
  }
  stage.abandon(model);
  return all;
}

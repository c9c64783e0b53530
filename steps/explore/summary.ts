/** What comes of all the schedules from one moment on: how often each outcome, and the shortest way to a wrong one. */
import type { Choice } from './operations.ts';
import type { Verdict } from './scenario.ts';

export interface Outcome {
  isWrong: boolean;
  schedules: bigint;
}

export class Summary {
  readonly outcomes = new Map<string, Outcome>();
  /** Steps from here to the nearest end, and to the nearest one that is wrong. */
  stepsMin = Number.POSITIVE_INFINITY;
  #wrongSteps = Number.POSITIVE_INFINITY;
  #towardsWrong: { choice: Choice; then: Summary } | undefined;

  static ofEnd({ outcome, isWrong }: Verdict): Summary {
    const summary = new Summary();
    summary.outcomes.set(outcome, { isWrong, schedules: 1n });
    summary.stepsMin = 0;
    if (isWrong) summary.#wrongSteps = 0;
    return summary;
  }

  /** What comes of this choice. */
  add(choice: Choice, then: Summary): void {
    for (const [outcome, { isWrong, schedules }] of then.outcomes) {
      const before = this.outcomes.get(outcome);
      this.outcomes.set(outcome, { isWrong, schedules: (before?.schedules ?? 0n) + schedules });
    }
    this.stepsMin = Math.min(this.stepsMin, then.stepsMin + 1);
    if (then.#wrongSteps + 1 >= this.#wrongSteps) return;
    this.#wrongSteps = then.#wrongSteps + 1;
    this.#towardsWrong = { choice, then };
  }

  get hasWrong(): boolean {
    return Number.isFinite(this.#wrongSteps);
  }

  get schedules(): bigint {
    return this.#sum(() => true);
  }

  get wrong(): bigint {
    return this.#sum(({ isWrong }) => isWrong);
  }

  /** The choices of the shortest schedule that goes wrong; undefined if none does. */
  get shortestWrong(): Choice[] | undefined {
    if (!this.hasWrong) return undefined;
    const choices: Choice[] = [];
    for (let at: Summary = this; at.#towardsWrong !== undefined; at = at.#towardsWrong.then)
      choices.push(at.#towardsWrong.choice);
    return choices;
  }

  #sum(isWanted: (outcome: Outcome) => boolean): bigint {
    let sum = 0n;
    for (const outcome of this.outcomes.values()) if (isWanted(outcome)) sum += outcome.schedules;
    return sum;
  }
}

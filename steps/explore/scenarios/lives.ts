/** A worker that may die, and its successors: each starts when the one before it has died. */
import type { Ending, ScenarioThread } from '../scenario.ts';

const NAMES = ['worker', 'successor', 'third'];

/** `first`: the place of the first one among all threads; `names`: what each is called. */
export function livesOf<Memory>(
  deaths: number,
  runOf: (life: number) => ScenarioThread<Memory>['run'],
  first = 0,
  names = NAMES,
): ScenarioThread<Memory>[] {
  return Array.from({ length: deaths + 1 }, (_, life) => ({
    name: names[life]!,
    run: runOf(life),
    mayDie: life < deaths,
    ...(life > 0 && { succeeds: first + life - 1 }),
  }));
}

/** Of the endings of a worker and its successors: how the last one that lived ended, and how many died, in words. */
export function endOf(endings: readonly Ending[]): { last: Ending | undefined; deaths: string } {
  const dead = endings.filter(ending => ending === 'dead').length;
  return { last: endings[dead], deaths: ['nobody dies', 'one dies', 'two die'][dead]! };
}

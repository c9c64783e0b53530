/** Whether the explorer finds a mutant. */
import { expect } from 'vitest';
import { expanded, replay } from '../../steps/explore/replay.ts';
import { idOf, readId } from '../../steps/explore/schedule.ts';
import { Stage } from '../../steps/explore/stage.ts';
import { walk } from '../../steps/explore/walk.ts';
import { type Mutant, withMutant } from './mutants.ts';

/** Walks until a schedule goes wrong, and runs that one again by itself. Resolves to the runs that it took. */
export function findMutant(mutant: Mutant): Promise<number> {
  return withMutant(mutant, async folder => {
    const stage = await Stage.open(mutant.scenario, folder);
    try {
      const { summary, runs } = walk(stage, { untilWrong: true });
      expect(summary.hasWrong, mutant.what).toBe(true);
      const id = idOf(mutant.scenario, expanded(stage, summary.shortestWrong!));
      const again = replay(stage, readId(id)!.choices);
      expect(again.verdict.isWrong, mutant.what).toBe(true);
      expect([...summary.outcomes.keys()]).toContain(again.verdict.outcome);
      return runs;
    } finally {
      await stage.close();
    }
  });
}

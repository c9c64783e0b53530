/** Each planted mistake must be found, in a scenario that finds nothing without it. */
import { describe, expect, test } from 'vitest';
import { expanded, replay } from '../../steps/explore/replay.ts';
import { Stage } from '../../steps/explore/stage.ts';
import { walk } from '../../steps/explore/walk.ts';
import { MUTANTS, withMutant } from './mutants.ts';

test('there are at least 20, and each is another', () => {
  expect(MUTANTS.length).toBeGreaterThanOrEqual(20);
  expect(new Set(MUTANTS.map(({ file, becomes, text }) => file + text + becomes)).size).toBe(MUTANTS.length);
});

describe('a planted mistake is found:', () => {
  test.each(MUTANTS)('$what ($scenario)', mutant =>
    withMutant(mutant, async folder => {
      const stage = await Stage.open(mutant.scenario, folder);
      try {
        const { summary } = walk(stage, { untilWrong: true });
        expect(summary.hasWrong).toBe(true);
        // The same schedule, run again by itself, ends as badly.
        const again = replay(stage, expanded(stage, summary.shortestWrong!));
        expect(again.verdict.isWrong).toBe(true);
        expect([...summary.outcomes.keys()]).toContain(again.verdict.outcome);
      } finally {
        await stage.close();
      }
    }),
  );
});

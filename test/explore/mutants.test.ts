/** Each planted mistake must be found, in a scenario that finds nothing without it. */
import { describe, expect, test } from 'vitest';
import { findMutant } from './finding.ts';
import { MUTANTS } from './mutants.ts';

test('there are more than 40, and each is another', () => {
  expect(MUTANTS.length).toBeGreaterThan(40);
  expect(new Set(MUTANTS.map(({ file, becomes, text }) => file + text + becomes)).size).toBe(MUTANTS.length);
});

// Some are found after half a minute of a core that is theirs.
describe('a planted mistake is found:', { timeout: 180_000 }, () => {
  const quick = MUTANTS.filter(({ isLong }) => isLong !== true);
  test.each(quick)('$what ($scenario)', mutant => findMutant(mutant).then(() => {}));
});

/** Mistakes that are planted into the journal are found: some of them here, all of them in the long run. */
import { expect, test } from 'vitest';
import { MUTANTS } from './mutants.ts';
import { complaintOf } from './planting.ts';

const HERE = [
  'no write is synced',
  'there is one place, not two',
  'a run that was written is written again',
  'a sync covers the last segment only',
  'a snapshot is not synced before its rename',
  'nobody looks behind a block that is not whole',
  'names need no room',
  'ids keep the index of their user',
  'a repeat of a transfer pays again',
  'what went back goes back again',
];

test('there are more than 40, and each is another', () => {
  expect(MUTANTS.length).toBeGreaterThan(40);
  expect(new Set(MUTANTS.map(({ file, changes }) => [file, ...changes.flat()].join())).size).toBe(
    MUTANTS.length,
  );
});

test.each(HERE)('a planted mistake is found: %s', { timeout: 180_000 }, async what => {
  const mutant = MUTANTS.find(each => each.what === what)!;
  expect(await complaintOf(mutant, 100)).toBeDefined();
});

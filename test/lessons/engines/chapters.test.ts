/** The chapters of lessons with engines: their blocks are run, as those of all other pages are in test/docs. */
import { expect, test } from 'vitest';
import { whatIsMissing } from '../../../steps/lesson-kit/engines/engines.ts';
import { allPages } from '../../docs/pages.ts';
import { enginesOf, mistakesOn, runnable } from '../../docs/runs.ts';

const pages = allPages().filter(page => enginesOf(page).length > 0);

test('all of them are looked for', () => {
  expect(allPages().filter(({ path }) => /^steps\/\d\d-/.test(path)).length).toBeGreaterThan(10);
});

test.for(pages.map(runnable))('$path', { timeout: 300_000 }, async (runs, context) => {
  const missing = whatIsMissing(enginesOf(runs.page));
  if (process.env.CI) expect(missing).toBeUndefined();
  context.skip(missing !== undefined, missing);
  expect((await mistakesOn(runs)).wrong).toEqual([]);
});

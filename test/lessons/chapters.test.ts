/** The chapters of lessons: their blocks are run, as those of all other pages are in test/docs. */
import { expect, test } from 'vitest';
import { whatIsMissing } from '../../steps/lesson-kit/engines/engines.ts';
import { LESSONS } from '../../steps/lesson-kit/lessons.ts';
import { allPages } from '../docs/pages.ts';
import { enginesOf, lessonWith, mistakesOn, runnable } from '../docs/runs.ts';

const pages = allPages().filter(page => lessonWith(page) !== undefined);

test('each lesson has one', () => {
  expect(pages).toHaveLength(LESSONS.length);
});

test.for(pages.map(runnable))('$path', { timeout: 300_000 }, async (runs, context) => {
  const missing = whatIsMissing(enginesOf(runs.page));
  if (process.env.CI) expect(missing).toBeUndefined();
  context.skip(missing !== undefined, missing);
  expect((await mistakesOn(runs)).wrong).toEqual([]);
});

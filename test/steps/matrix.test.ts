/**
 * The path keeps its promise: every pain shows in its own step, and in none that mends it. A wrong step that got
 * better fails here, like a right one that got worse.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { MATRIX, STEPS } from '../../steps/kit/manifest.ts';
import { pairs, type Row, SUBJECTS, tableHead, tableRow } from '../../steps/kit/matrix.ts';
import { runCli } from '../support/server.ts';

const PAINS = STEPS.map(step => step.number);
/** A pair takes seconds, and on a busy machine ten times as long. */
const ROW_MS_MAX = 400_000;

const asExpected: Row[] = pairs().map(pair => ({
  ...pair,
  observed: pair.expected,
  evidence: {},
  elapsedMs: 0,
}));

describe('the matrix', () => {
  test.each(PAINS)('pain %i is present in its own step, and absent in the next and all that follow', pain => {
    expect(MATRIX[pain]!.present).toEqual([pain]);
    const following = SUBJECTS.slice(SUBJECTS.indexOf(pain) + 1);
    expect(MATRIX[pain]!.absent).toEqual(expect.arrayContaining(following));
  });

  test('no pair is in it twice', () => {
    const names = pairs().map(({ pain, step }) => `${pain} ${step}`);
    expect(new Set(names).size).toBe(names.length);
  });
});

test('steps/README.md shows the matrix', () => {
  const text = readFileSync(new URL('../../steps/README.md', import.meta.url), 'utf8');
  const shown = PAINS.map(pain =>
    tableRow(
      pain,
      asExpected.filter(row => row.pain === pain),
    ),
  );
  expect(text).toContain(
    `${[tableHead(), ...shown].join('\n')}\n\n${asExpected.length} of ${asExpected.length} as`,
  );
});

// Rows at the same time, as they mostly wait; within a row one pair after the other, so that no two of those that flood a
// server, of pain 2, are under way at once. They must be right on a busy machine, too, where a server that is long in
// coming is waited for, which is said on standard error.
describe.concurrent('the verdicts', () => {
  // The longest come first.
  test.each([2, 7, 5, 4, 10, 3, 6, 9, 1, 8])(
    'of tally pain %i --all are what they should be',
    async pain => {
      const { exitCode, stdout, stderr } = await runCli(['pain', String(pain), '--all', '--json']);
      const found = stdout
        .split('\n')
        .filter(Boolean)
        .map(line => JSON.parse(line) as Row);
      expect(found, stderr).toMatchObject(pairs(pain).map(pair => ({ ...pair, observed: pair.expected })));
      expect(exitCode).toBe(0);
    },
    ROW_MS_MAX,
  );
});

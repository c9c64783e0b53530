/**
 * Nodes over streams in memory, in orders drawn at random: all agree in the end, each event and transfer counts once, and
 * what was said is so.
 */
import { expect, test } from 'vitest';
import { live, type Seen } from './life.ts';

const LIVES = 40;

test('whatever is drawn, nodes agree, each accepted event and transfer counts once, and balances are read as promised', () => {
  const sums = new Map<string, number>();
  for (let seed = 1; seed <= LIVES; seed++)
    for (const [what, count] of Object.entries(live(seed))) sums.set(what, (sums.get(what) ?? 0) + count);
  const { undecided, ...seen } = Object.fromEntries(sums) as unknown as Seen;
  expect(undecided).toBe(0);
  // The lives were what they are meant to be.
  for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(LIVES / 2);
});

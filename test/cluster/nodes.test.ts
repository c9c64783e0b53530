/**
 * Nodes over streams in memory, in orders drawn at random: all agree in the end, each event and transfer counts once, and
 * what was said is so.
 */
import { expect, test } from 'vitest';
import type { Deed } from './history.ts';
import { live, type Seen } from './life.ts';
import { World } from './world.ts';

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

test('a balance behind events of its client that still gather is at its place among them', () => {
  const world = new World(1, () => 0.5);
  const deed = (wish: Omit<Deed['wish'], 'user'>): Deed => ({
    wish: { user: 'alice', ...wish },
    attempts: [],
  });
  const between = deed({ kind: 'balance', amount: 0 });
  const before = deed({ kind: 'event', amount: 100 });
  world.visit(world.connect(0)!, [before, between, deed({ kind: 'event', amount: -30 })]);
  world.settle();
  world.stop();
  expect(between.attempts[0]!.reply?.balance).toBe(100);
});

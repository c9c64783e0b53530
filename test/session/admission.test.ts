/** How many clients that flood are served before the others are heard again. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Scheduler, type Visited } from '../../src/session/scheduler.ts';

test('of many who wait, sixteen are let in, and the others when these want nothing more', async () => {
  const turns = new Scheduler({ turnMsMax: 1_000 });
  const visited: number[] = [];
  const floods = Array.from(
    { length: 40 },
    (_, number): Visited => ({
      takeTurn: () => void visited.push(number),
    }),
  );
  for (const flood of floods) turns.wait(flood);
  const turnsTaken: number[][] = [];
  for (let turn = 0; turn < 3; turn++) {
    await nextTurn();
    turnsTaken.push(visited.splice(0));
  }
  const numbers = Array.from({ length: 40 }, (_, number) => number);
  expect(turnsTaken).toEqual([numbers.slice(0, 16), numbers.slice(16, 32), numbers.slice(32)]);
});

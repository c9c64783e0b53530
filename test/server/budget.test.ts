/** What counts as the time of a turn, besides its visits. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Turns, type Visited } from '../../src/server/turns.ts';

const TURN_MS = 4;
const VISIT_MS = 1;

let nowMs = 0;
beforeEach(() => {
  nowMs = 1_000;
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Some that always want more, each visit of whom takes so long; `visitsOf` takes one turn and counts its visits. */
function greedy(count: number, turns: Turns, onVisit: () => void = () => {}) {
  let visits = 0;
  let isOver = false;
  for (let number = 0; number < count; number++) {
    const visited: Visited = {
      takeTurn: () => {
        visits += 1;
        nowMs += VISIT_MS;
        onVisit();
        if (!isOver) turns.wait(visited);
      },
    };
    turns.wait(visited);
  }
  const takeTurn = async () => {
    visits = 0;
    await nextTurn();
    return visits;
  };
  const end = async () => {
    isOver = true;
    for (let turn = 0; turn < 20; turn++) await nextTurn();
  };
  return { takeTurn, end };
}

test('what the event loop did since the last turn counts, but a quarter is left for visits', async () => {
  const turns = new Turns(TURN_MS);
  const { takeTurn, end } = greedy(10, turns);
  expect(await takeTurn()).toBe(4);
  nowMs += 1;
  expect(await takeTurn()).toBe(3);
  nowMs += 3;
  expect(await takeTurn()).toBe(1);
  nowMs += 500;
  expect(await takeTurn()).toBe(1);
  expect(await takeTurn()).toBe(4);
  await end();
});

test('replies that are still to leave count as much as sending took lately', async () => {
  const turns = new Turns(1);
  const sender = {
    sendKept: () => {
      nowMs += 0.2;
    },
  };
  const { takeTurn, end } = greedy(10, turns, () => {
    nowMs -= VISIT_MS - 0.1;
    turns.sendLater(sender);
  });
  // Ten fit, as long as nobody knows what sending takes.
  expect(await takeTurn()).toBe(10);
  let last = 0;
  for (let turn = 0; turn < 40; turn++) last = await takeTurn();
  // A tenth to serve and two to send, each.
  expect(last).toBe(4);
  await end();
});

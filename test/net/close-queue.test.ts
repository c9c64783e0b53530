import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { CloseQueue } from '../../src/net/close-queue.ts';

/** Sockets that note, by number, that they were destroyed, and with which error. */
function sockets(count: number) {
  const destroyed: [number, Error | undefined][] = [];
  const all = Array.from({ length: count }, (_, number) => {
    const socket = new EventEmitter() as Socket;
    socket.destroy = error => {
      destroyed.push([number, error]);
      return socket;
    };
    return socket;
  });
  return { all, destroyed };
}

test('one socket is closed at once, with its error, and once', () => {
  const { all, destroyed } = sockets(1);
  const socket = all[0]!;
  new CloseQueue().spread(socket);
  const reset = new Error('read ECONNRESET');
  expect(socket.destroy(reset)).toBe(socket);
  socket.destroy();
  expect(destroyed).toEqual([[0, reset]]);
});

test('of many that close together, sixteen are closed in a turn of the event loop, in order', async () => {
  const closings = new CloseQueue();
  const { all, destroyed } = sockets(40);
  for (const socket of all) closings.spread(socket);
  for (const socket of all) socket.destroy();
  const counts = [destroyed.length];
  for (let turn = 0; turn < 3; turn++) {
    await nextTurn();
    counts.push(destroyed.length);
  }
  expect(counts).toEqual([16, 32, 40, 40]);
  expect(destroyed.map(([number]) => number)).toEqual(all.map((_, number) => number));
});

test('those that come while others wait wait behind them', async () => {
  const closings = new CloseQueue();
  const { all, destroyed } = sockets(18);
  for (const socket of all) closings.spread(socket);
  for (const socket of all.slice(0, 17)) socket.destroy();
  await nextTurn();
  // One was closed in this turn, so there is room for fifteen more.
  all[17]!.destroy();
  expect(destroyed.map(([number]) => number)).toEqual(all.map((_, number) => number));
});

test('what closes at once does so while others wait', async () => {
  const closings = new CloseQueue();
  const { all, destroyed } = sockets(20);
  const nows = all.map(socket => closings.spread(socket));
  for (const socket of all) socket.destroy();
  nows[19]!();
  expect(destroyed.at(-1)).toEqual([19, undefined]);
  expect(destroyed).toHaveLength(17);
  await nextTurn();
});

/**
 * The consumer's end of a ring, in a thread of its own: verifies that every slot carries its own sequence, whole
 * and in order, and gives the slots back in runs of random length. Says what was wrong, or 'right'.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { laneOf, shapeOf } from '../../../src/engine/memory-layout.ts';
import { Consumer } from '../../../src/engine/ring.ts';
import { amountAt, askAt, type RingWork, userAt } from './ring-work.ts';

const { buffer, events, seed } = workerData as RingWork;
const shape = shapeOf(buffer);
const consumer = new Consumer(laneOf(buffer, shape, 0));

let random = seed;
let done = 0;
let wrong: string | undefined;
parentPort!.postMessage('started');
while (done < events) {
  const available = consumer.available();
  if (available < 0 || available > shape.ringSlots) wrong ??= `${available} slots available at ${done}`;
  if (available <= 0) continue;
  random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
  const run = Math.min(available, 1 + ((random >>> 16) % shape.ringSlots));
  let head = consumer.head;
  for (let left = run; left > 0; left--, done++) {
    const user = consumer.userAt(head);
    const ask = consumer.askAt(head);
    const amount = consumer.amountAt(head);
    if (user !== userAt(done) || ask !== askAt(done) || amount !== amountAt(done))
      wrong ??= `event ${done}: user ${user}, ask ${ask}, amount ${amount}`;
    head = (head + 1) | 0;
  }
  consumer.release(head);
}
if (consumer.available() !== 0) wrong ??= `${consumer.available()} slots left at the end`;
parentPort!.postMessage(wrong ?? 'right');

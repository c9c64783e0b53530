/**
 * One thread of the ring bench. Each way has functions of its own, and a thread runs one of them.
 *
 * The clock is the consumer's: from when it has taken the events of the warm-up to when it has taken all.
 */
import type { MessagePort } from 'node:worker_threads';
import { type LaneMemory, laneOf, shapeOf } from '../../src/engine/memory-layout.ts';
import { Consumer, Producer } from '../../src/engine/ring.ts';
import { RUN_EVENTS_MAX } from '../../src/engine/words.ts';
import {
  amountAt,
  BACKLOG_MAX,
  digested,
  type Event,
  type RingAnswer,
  type RingWork,
  userAt,
} from './ring-events.ts';
import { answerWith, clockNs } from './thread.ts';

type Answer = RingAnswer | undefined;

function run(work: RingWork): Answer | Promise<Answer> {
  switch (work.way) {
    case 'ring':
      return work.role === 'produce' ? pushAll(work) : takeAll(work);
    case 'message':
      return work.role === 'produce' ? postAll(work, work.port!) : receiveAll(work, work.port!);
    case 'shift':
      return throughShift(work);
    case 'index':
      return throughIndex(work);
  }
}

function laneIn(buffer: SharedArrayBuffer): LaneMemory {
  return laneOf(buffer, shapeOf(buffer), 0);
}

function pushAll({ events, batch, buffer }: RingWork): undefined {
  const ring = new Producer(laneIn(buffer!));
  for (let index = 0; index < events; ) {
    for (const end = index + batch; index < end; index++) {
      // Full: the pushed slots must be published, or the consumer makes no room.
      while (!ring.tryPush(userAt(index), 0, amountAt(index))) ring.publish();
    }
    ring.publish();
  }
}

function takeAll({ events, warmUpEvents, buffer }: RingWork): RingAnswer {
  const ring = new Consumer(laneIn(buffer!));
  let taken = 0;
  let digest = 0;
  let startNs = 0;
  let before = 0;
  while (taken < events) {
    const count = Math.min(ring.available(), RUN_EVENTS_MAX);
    if (count === 0) continue;
    let head = ring.head;
    for (let left = count; left > 0; left--) {
      digest = digested(digest, ring.userAt(head), ring.amountAt(head));
      head = (head + 1) | 0;
    }
    taken += count;
    ring.release(head);
    if (startNs === 0 && taken >= warmUpEvents) [startNs, before] = [clockNs(), taken];
  }
  return { digest, nsPerEvent: (clockNs() - startNs) / (taken - before) };
}

function postAll({ events, batch }: RingWork, port: MessagePort): Promise<undefined> {
  let posted = 0;
  let acknowledged = 0;
  const post = () => {
    while (posted < events && posted - acknowledged < BACKLOG_MAX) {
      port.postMessage(batch === 1 ? eventAt(posted) : batchFrom(posted, batch));
      posted += batch;
    }
  };
  return new Promise(resolve => {
    port.on('message', (taken: number) => {
      acknowledged = taken;
      post();
      if (taken === events) {
        port.close();
        resolve(undefined);
      }
    });
    post();
  });
}

function receiveAll({ events, warmUpEvents, batch }: RingWork, port: MessagePort): Promise<RingAnswer> {
  let taken = 0;
  let digest = 0;
  let startNs = 0;
  let before = 0;
  let acknowledgeAt = BACKLOG_MAX / 4;
  return new Promise(resolve => {
    port.on('message', (message: Event | Event[]) => {
      if (batch === 1) {
        const { user, amount } = message as Event;
        digest = digested(digest, user, amount);
      } else {
        for (const { user, amount } of message as Event[]) digest = digested(digest, user, amount);
      }
      taken += batch;
      if (startNs === 0 && taken >= warmUpEvents) [startNs, before] = [clockNs(), taken];
      if (taken === events) resolve({ digest, nsPerEvent: (clockNs() - startNs) / (taken - before) });
      if (taken < acknowledgeAt && taken < events) return;
      acknowledgeAt += BACKLOG_MAX / 4;
      port.postMessage(taken);
    });
  });
}

function throughShift({ events, warmUpEvents, batch }: RingWork): RingAnswer {
  const queue: Event[] = [];
  let index = 0;
  let digest = 0;
  let startNs = 0;
  let before = 0;
  while (index < events) {
    for (const end = index + batch; index < end; index++) queue.push(eventAt(index));
    for (let event = queue.shift(); event !== undefined; event = queue.shift())
      digest = digested(digest, event.user, event.amount);
    if (startNs === 0 && index >= warmUpEvents) [startNs, before] = [clockNs(), index];
  }
  return { digest, nsPerEvent: (clockNs() - startNs) / (index - before) };
}

function throughIndex({ events, warmUpEvents, batch }: RingWork): RingAnswer {
  const slots: Event[] = Array.from({ length: BACKLOG_MAX }, () => eventAt(0));
  const mask = BACKLOG_MAX - 1;
  let tail = 0;
  let head = 0;
  let digest = 0;
  let startNs = 0;
  let before = 0;
  while (tail < events) {
    for (const end = tail + batch; tail < end; tail++) slots[tail & mask] = eventAt(tail);
    for (; head < tail; head++) {
      const { user, amount } = slots[head & mask]!;
      digest = digested(digest, user, amount);
    }
    if (startNs === 0 && tail >= warmUpEvents) [startNs, before] = [clockNs(), tail];
  }
  return { digest, nsPerEvent: (clockNs() - startNs) / (tail - before) };
}

function eventAt(index: number): Event {
  return { user: userAt(index), ask: 0, amount: amountAt(index) };
}

function batchFrom(index: number, batch: number): Event[] {
  return Array.from({ length: batch }, (_, offset) => eventAt(index + offset));
}

await answerWith(run);

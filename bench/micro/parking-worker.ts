/**
 * One thread of the parking bench: the producer, which publishes events at fixed times, or the consumer, which rests
 * and is woken. Both are warmed up with a flood before they are measured.
 */
import { readFileSync } from 'node:fs';
import { type LaneMemory, laneOf, shapeOf } from '../../src/engine/memory-layout.ts';
import { Consumer, Producer } from '../../src/engine/ring.ts';
import { Bell, Rester } from '../../src/engine/wakeup.ts';
import { Word } from '../../src/engine/words.ts';
import { answerWith, clockNs } from './thread.ts';

export type Way = 'server' | 'urgent' | 'notify' | 'spin';

export interface ParkingWork {
  way: Way;
  role: 'produce' | 'consume';
  buffer: SharedArrayBuffer;
  /** Consecutive events without a pause, each published separately. */
  burst: number;
  bursts: number;
  /** From the start of one burst to the start of the next. */
  everyMs: number;
}

export interface ProducerAnswer {
  nsPerEvent: number;
}

export interface ConsumerAnswer {
  /** Events that were not the next one. */
  wrong: number;
  /** Rests that timed out although there was work: lost wake-ups. */
  lateWakes: number;
  /** From just before an event was published until the consumer saw it. */
  seenUs: number;
  seenUsP99: number;
  /** Undefined if the system does not report the processor time of threads. */
  corePercent: number | undefined;
}

const WARM_UP_EVENTS = 30_000;
/** As in the server's parking: the time limit of a rest, and the extra time then granted to a late notification. */
const REST_MS_MAX = 1_000;
const LATE_RING_MS = 50;

function run(work: ParkingWork, meet: () => void): ProducerAnswer | ConsumerAnswer {
  const lane = laneOf(work.buffer, shapeOf(work.buffer), 0);
  return work.role === 'produce' ? produce(work, lane, meet) : consume(work, lane, meet);
}

function produce(
  { way, burst, bursts, everyMs }: ParkingWork,
  lane: LaneMemory,
  meet: () => void,
): ProducerAnswer {
  const ring = new Producer(lane);
  const wake = wakeOf(way, lane);
  /** Returns how long it took. */
  const send = (index: number): number => {
    const startNs = clockNs();
    while (!ring.tryPush(index, 0, startNs));
    ring.publish();
    wake();
    return clockNs() - startNs;
  };
  let index = 0;
  while (index < WARM_UP_EVENTS) send(index++);
  meet();
  let busyNs = 0;
  let dueNs = clockNs();
  for (let left = bursts; left > 0; left--) {
    dueNs += everyMs * 1e6;
    while (clockNs() < dueNs);
    for (const end = index + burst; index < end; index++) busyNs += send(index);
  }
  return { nsPerEvent: busyNs / (bursts * burst) };
}

function consume({ way, burst, bursts }: ParkingWork, lane: LaneMemory, meet: () => void): ConsumerAnswer {
  const ring = new Consumer(lane);
  const rest = restOf(way, lane, () => ring.available() > 0);
  const seenNs = new Float64Array(WARM_UP_EVENTS + bursts * burst);
  let wrong = 0;
  let taken = 0;
  const takeUntil = (limit: number) => {
    while (taken < limit) {
      const count = ring.available();
      if (count === 0) {
        rest.wait();
        continue;
      }
      const nowNs = clockNs();
      rest.worked();
      let head = ring.head;
      for (let left = count; left > 0; left--) {
        if (ring.userAt(head) !== taken) wrong += 1;
        seenNs[taken] = nowNs - ring.amountAt(head);
        taken += 1;
        head = (head + 1) | 0;
      }
      ring.release(head);
    }
  };
  takeUntil(WARM_UP_EVENTS);
  meet();
  const startNs = clockNs();
  const startCpuNs = threadCpuNs();
  takeUntil(seenNs.length);
  const elapsedNs = clockNs() - startNs;
  const endCpuNs = threadCpuNs();
  const sorted = seenNs.subarray(WARM_UP_EVENTS).sort();
  return {
    wrong,
    lateWakes: rest.lateWakes(),
    seenUs: sorted[sorted.length >> 1]! / 1e3,
    seenUsP99: sorted[Math.floor(sorted.length * 0.99)]! / 1e3,
    corePercent: startCpuNs === undefined ? undefined : ((endCpuNs! - startCpuNs) / elapsedNs) * 100,
  };
}

function wakeOf(way: Way, { words }: LaneMemory): () => void {
  const bell = new Bell(words);
  switch (way) {
    case 'server':
      return () => bell.notify(false);
    case 'urgent':
      return () => bell.notify(true);
    case 'notify':
      return () => {
        Atomics.store(words, Word.bell, (Atomics.load(words, Word.bell) + 1) | 0);
        Atomics.notify(words, Word.bell, 1);
      };
    case 'spin':
      return () => {};
  }
}

interface Rest {
  /** Call when there is no work. Returns when there may be some. */
  wait(): void;
  /** Call when there was work. */
  worked(): void;
  lateWakes(): number;
}

function restOf(way: Way, { words }: LaneMemory, hasWork: () => boolean): Rest {
  if (way === 'spin') return { wait: () => {}, worked: () => {}, lateWakes: () => 0 };
  if (way === 'notify') {
    let late = 0;
    const wait = () => {
      const bell = Atomics.load(words, Word.bell);
      // Work is checked after the bell was loaded: a later publication changes the bell, and the wait returns at once.
      if (hasWork() || Atomics.wait(words, Word.bell, bell, REST_MS_MAX) !== 'timed-out' || !hasWork())
        return;
      if (Atomics.wait(words, Word.bell, bell, LATE_RING_MS) === 'timed-out') late += 1;
    };
    return { wait, worked: () => {}, lateWakes: () => late };
  }
  const rester = new Rester(words, hasWork);
  return {
    wait: () => rester.waitForWork(),
    worked: () => rester.worked(),
    lateWakes: () => Atomics.load(words, Word.lateWakes),
  };
}

/** The processor time of this thread so far. Only Linux tells it of one thread; see proc_pid_schedstat. */
function threadCpuNs(): number | undefined {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]);
  } catch {
    return undefined;
  }
}

await answerWith(run);

/**
 * The cost of passing an event from one thread to another: the server's ring against `postMessage`. Arrays in one
 * thread are the lower bound: a queue without a second thread.
 *
 * For arrays and messages an event is an object, as a program without a ring would have it; for the ring, its fields.
 * The number of events under way is bounded for every way, so none gains by buffering. Both ends of the ring spin
 * when they can't continue; the parking bench measures the cost of resting.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { createMemory } from '../../src/engine/memory-layout.ts';
import type { Bench, Size } from '../bench.ts';
import { alternate, type Trial } from '../rounds.ts';
import { BACKLOG_MAX, digestOf, type RingAnswer, type RingWork, type Way } from './ring-events.ts';
import { runThreads } from './thread.ts';

const ROUNDS = 7;
const BATCHES = [1, 64];

const SUBJECTS: Record<Way, string> = {
  ring: "the server's ring",
  message: 'postMessage',
  shift: 'one thread: array, push and shift',
  index: 'one thread: array, by index',
};

/** Enough for about 0.2 s each. In small mode a hundredth. */
const EVENTS: Record<Way, (batch: number) => number> = {
  ring: () => 6_400_000,
  message: batch => (batch === 1 ? 192_000 : 640_000),
  shift: () => 6_400_000,
  index: () => 12_800_000,
};

export const bench: Bench = {
  name: 'micro-ring',
  about: "an event from one thread to another: the server's ring, postMessage, arrays",
  run(size, say) {
    const trials = BATCHES.flatMap(batch =>
      (Object.keys(SUBJECTS) as Way[]).map(way => trialOf(way, batch, size)),
    );
    return alternate(size === 'full' ? ROUNDS : 1, trials, say);
  },
};

function trialOf(way: Way, batch: number, size: Size): Trial {
  // A whole number of batches either way.
  const events = EVENTS[way](batch) / (size === 'full' ? 1 : 100);
  const expected = digestOf(events);
  const subject = SUBJECTS[way];
  return {
    subject,
    condition: batch === 1 ? 'one by one' : `${batch} at once`,
    async run() {
      const { digest, nsPerEvent } = await cross({ way, batch, events, warmUpEvents: events / 4 });
      if (digest !== expected) {
        throw new Error(
          `${subject} lost, changed or exchanged events: digest ${digest}, expected ${expected}`,
        );
      }
      return [{ unit: 'ns/event', better: 'lower', value: nsPerEvent }];
    },
  };
}

async function cross(work: Pick<RingWork, 'way' | 'batch' | 'events' | 'warmUpEvents'>): Promise<RingAnswer> {
  if (work.way === 'shift' || work.way === 'index') {
    const [answer] = await runThreads<RingAnswer>('ring-worker', [{ ...work, role: 'both' } as RingWork]);
    return answer!;
  }
  const means = work.way === 'ring' ? sharedRing() : channel();
  const works: RingWork[] = [
    { ...work, role: 'produce', ...means[0] },
    { ...work, role: 'consume', ...means[1] },
  ];
  const ports = works.map(({ port }) => (port === undefined ? [] : [port]));
  const [, answer] = await runThreads<RingAnswer>('ring-worker', works, ports);
  return answer!;
}

function sharedRing(): { buffer: SharedArrayBuffer }[] {
  const shape = { workers: 1, ringSlots: BACKLOG_MAX, balanceSlots: 8, workUs: 0, workKind: 'cpu' } as const;
  const buffer = createMemory(shape);
  return [{ buffer }, { buffer }];
}

function channel(): { port: MessagePort }[] {
  const { port1, port2 } = new MessageChannel();
  return [{ port: port1 }, { port: port2 }];
}

/**
 * The cost of resting and waking: the server's parking, a notify for every event, and no rest at all.
 *
 * The producer publishes events at fixed times and spins in between, so it is always awake, and its figure is only
 * the time spent publishing and waking (and one reading of the clock, the same for all). The consumer rests without
 * work, in the way of its subject. A low rate shows the cost of an event when each finds a resting consumer; bursts
 * show the cost of waking under load.
 */
import { createMemory } from '../../src/engine/memory-layout.ts';
import type { Bench, Size } from '../bench.ts';
import { alternate, type Figure, type Trial } from '../rounds.ts';
import type { ConsumerAnswer, ParkingWork, ProducerAnswer, Way } from './parking-worker.ts';
import { runThreads } from './thread.ts';

const ROUNDS = 5;
const RING_SLOTS = 4_096;

const SUBJECTS: Record<Way, string> = {
  server: "the server's: naps, then parks",
  urgent: 'the same, somebody waits for the answer',
  notify: 'a notify for every event',
  spin: 'never rests',
};

interface Pace {
  condition: string;
  /** Consecutive events without a pause. */
  burst: number;
  /** From one burst to the next. */
  everyMs: number;
}

const PACES: Pace[] = [
  { condition: '1,000 a second', burst: 1, everyMs: 1 },
  { condition: '20,000 a second', burst: 1, everyMs: 0.05 },
  { condition: '1,000 at once, every 20 ms', burst: 1_000, everyMs: 20 },
];

export const bench: Bench = {
  name: 'micro-parking',
  about: "waking a thread: the server's parking, a notify for every event, never resting",
  run(size, say) {
    const ways = Object.keys(SUBJECTS) as Way[];
    const trials = PACES.flatMap(pace => ways.map(way => trialOf(way, pace, size)));
    return alternate(size === 'full' ? ROUNDS : 1, trials, say);
  },
};

function trialOf(way: Way, { condition, burst, everyMs }: Pace, size: Size): Trial {
  const durationMs = size === 'full' ? 500 : 20;
  return {
    subject: SUBJECTS[way],
    condition,
    async run() {
      const shape = {
        workers: 1,
        ringSlots: RING_SLOTS,
        balanceSlots: 8,
        workUs: 0,
        workKind: 'cpu',
      } as const;
      const work = { way, buffer: createMemory(shape), burst, bursts: durationMs / everyMs, everyMs };
      const works: ParkingWork[] = [
        { ...work, role: 'produce' },
        { ...work, role: 'consume' },
      ];
      const [producer, consumer] = (await runThreads('parking-worker', works)) as [
        ProducerAnswer,
        ConsumerAnswer,
      ];
      if (consumer.wrong > 0) throw new Error(`${SUBJECTS[way]}: ${consumer.wrong} events came out of order`);
      if (consumer.lateWakes > 0)
        throw new Error(`${SUBJECTS[way]}: ${consumer.lateWakes} wake-ups were lost`);
      return figuresOf(producer, consumer);
    },
  };
}

function figuresOf(
  { nsPerEvent }: ProducerAnswer,
  { seenUs, seenUsP99, corePercent }: ConsumerAnswer,
): Figure[] {
  const figures: Figure[] = [
    { unit: 'ns/event to publish and wake', better: 'lower', value: nsPerEvent },
    { unit: 'µs until seen, median', better: 'lower', value: seenUs },
    { unit: 'µs until seen, p99', better: 'lower', value: seenUsP99 },
  ];
  if (corePercent !== undefined)
    figures.push({ unit: "consumer's % of a core", better: 'lower', value: corePercent });
  return figures;
}

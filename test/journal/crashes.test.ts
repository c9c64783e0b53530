import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Sync } from '../../src/journal/lane-writer.ts';
import { type Fault, LyingDisk } from './lying-disk.ts';
import { Crash, Death, type Plan } from './plan.ts';
import { randomFrom } from './random.ts';
import { World } from './world.ts';

/** A worker may die at each store into its places. */
const watch = vi.hoisted(() => ({ step: () => {} }));
vi.mock('../../src/journal/memory.ts', async importOriginal => {
  const memory = await importOriginal<typeof import('../../src/journal/memory.ts')>();
  return {
    ...memory,
    journalLaneOf: (...of: Parameters<typeof memory.journalLaneOf>) => {
      const lane = memory.journalLaneOf(...of);
      const places = new Proxy(lane.places, {
        get: (target, key) => target[key as unknown as number],
        set: (target, key, value: number) => {
          watch.step();
          target[key as unknown as number] = value;
          return true;
        },
      });
      return { ...lane, places };
    },
  };
});

afterEach(() => {
  watch.step = () => {};
});

const SYNCS: Sync[] = ['always', 'interval', 'never'];

function planOf(random: () => number): Plan {
  const pick = <Value>(values: readonly Value[]) => values[Math.floor(random() * values.length)]!;
  return {
    workers: pick([1, 2, 3]),
    ringSlots: pick([2, 16, 64]),
    users: pick([4, 40, 400]),
    sync: pick(SYNCS),
    segmentBytes: pick([4_096, 8_192, 65_536]),
    firstSequence: pick([0, -20]),
    keep: pick([
      { ms: 0, bytes: 0 },
      { ms: 0, bytes: 50_000 },
      { ms: Infinity, bytes: Infinity },
    ]),
  };
}

/** Runs some epochs, each with its end; every start checks what came back. */
function run(seed: number, epochs = 4) {
  const random = randomFrom(seed);
  const disk = new LyingDisk(random);
  const plan = planOf(random);
  const world = new World(disk, plan, random);
  const seen = { deaths: 0, crashes: 0, closed: 0, snapshots: 0, refusals: 0 };
  let isServing = false;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const steps = Math.floor(random() * 120);
    // In one start of three the end comes at a call of the disk; otherwise between two steps, or as a stop.
    const endAt = random() < 0.4 ? disk.calls + Math.floor(random() * 150) : Infinity;
    const at = (['before', 'after', 'half'] as const)[Math.floor(random() * 3)]!;
    const fullAt = random() < 0.2 ? disk.used + Math.floor(random() * 100_000) : Infinity;
    let isWorking = false;
    disk.fault = (_, path): Fault | undefined => {
      if (disk.calls > endAt) return { at, error: new Crash() };
      const mayDie = isServing && path.endsWith('.log') && random() < 0.02;
      if (!mayDie || !isWorking) return undefined;
      seen.deaths += 1;
      return { at, error: new Death() };
    };
    watch.step = () => {
      if (!isServing || !isWorking || random() >= 0.005) return;
      seen.deaths += 1;
      throw new Death();
    };
    world.onWork = working => {
      isWorking = working;
    };
    let isCrashed = true;
    try {
      world.begin();
      isServing = true;
      disk.capacity = fullAt;
      for (let step = 0; step < steps; step++) world.step();
      disk.capacity = Infinity;
      isCrashed = random() < 0.6;
      if (!isCrashed) {
        isServing = false;
        world.stop();
        seen.closed += 1;
      }
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      seen.crashes += 1;
    }
    isServing = false;
    disk.fault = () => undefined;
    disk.capacity = Infinity;
    seen.snapshots += world.snapshots;
    seen.refusals += world.refusals;
    world.end(random() < 0.5);
    world.check();
  }
  return seen;
}

describe('a journal on a disk that lies', () => {
  /** Each is a life of four starts. A failure names its seed: FIRST=seed SEEDS=1 runs it alone. */
  const SEEDS = Number(process.env.SEEDS ?? 100);
  const FIRST = Number(process.env.FIRST ?? 1);
  test(
    `nothing that was acknowledged is lost, and nothing comes from nowhere, in ${SEEDS} runs`,
    () => {
      const all = { deaths: 0, crashes: 0, closed: 0, snapshots: 0, refusals: 0 };
      for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
        let seen: typeof all;
        try {
          seen = run(seed);
        } catch (error) {
          throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
        }
        for (const key of Object.keys(all) as (keyof typeof all)[]) all[key] += seen[key];
      }
      expect(all.deaths).toBeGreaterThan(0);
      expect(all.crashes).toBeGreaterThan(0);
      expect(all.closed).toBeGreaterThan(0);
      expect(all.snapshots).toBeGreaterThan(0);
    },
    Math.max(120_000, SEEDS * 500),
  );
});

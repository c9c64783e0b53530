/** The life of a journal on a disk that lies: some starts, each with its end. The seed draws all of it. */
import type { Sync } from '../../src/journal/lane-writer.ts';
import { type Fault, LyingDisk } from './lying-disk.ts';
import { Crash, Death, type Plan } from './plan.ts';
import { randomFrom } from './random.ts';
import { World } from './world.ts';

const SYNCS: Sync[] = ['always', 'interval', 'never'];

/** The end comes at a call for such a path, one of so many. */
const ENDS = [
  ['', 150],
  ['', 150],
  ['.log', 40],
  ['.tmp', 30],
  ['snapshot', 15],
  ['meta', 6],
] as const;

const pickFrom =
  (random: () => number) =>
  <Value>(values: readonly Value[]) =>
    values[Math.floor(random() * values.length)]!;

function planOf(random: () => number): Plan {
  const pick = pickFrom(random);
  return {
    workers: pick([1, 2, 3]),
    ringSlots: pick([2, 16, 64]),
    users: pick([4, 40, 400]),
    sync: pick(SYNCS),
    segmentBytes: pick([2_048, 4_096, 65_536]),
    firstSequence: pick([0, -20]),
    idsMax: pick([0, 3, 64]),
    keep: pick([
      { ms: 0, bytes: 0 },
      { ms: 0, bytes: 50_000 },
      { ms: Infinity, bytes: Infinity },
    ]),
  };
}

export interface Seen {
  deaths: number;
  crashes: number;
  closed: number;
  snapshots: number;
  refusals: number;
}

/** Lives, and checks what came back at every start: throws if it is not what it must be. */
export function live(seed: number, epochs = 4): Seen {
  const random = randomFrom(seed);
  const disk = new LyingDisk(random);
  const pick = pickFrom(random);
  const plan = planOf(random);
  const world = new World(disk, plan, random);
  const seen = { deaths: 0, crashes: 0, closed: 0, snapshots: 0, refusals: 0 };
  let isServing = false;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const steps = Math.floor(random() * 160);
    // In two starts of five the end comes at a call of the disk; otherwise between two steps, or as a stop.
    const [where, calls] = pick(ENDS);
    let callsLeft = random() < 0.4 ? Math.floor(random() * calls) : Infinity;
    const at = pick(['before', 'after', 'half'] as const);
    const fullAt = random() < 0.2 ? disk.used + Math.floor(random() * 100_000) : Infinity;
    let isWorking = false;
    disk.fault = (_, path): Fault | undefined => {
      if (path.includes(where) && callsLeft-- <= 0) return { at, error: new Crash() };
      const mayDie = isServing && path.endsWith('.log') && random() < 0.02;
      if (!mayDie || !isWorking) return undefined;
      seen.deaths += 1;
      return { at, error: new Death() };
    };
    world.onPlaced = () => {
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

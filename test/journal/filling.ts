/** A disk that fills up under a journal, and has room again. */
import { LyingDisk } from './lying-disk.ts';
import type { Plan } from './plan.ts';
import { randomFrom } from './random.ts';
import { World } from './world.ts';

const PLAN: Plan = {
  workers: 1,
  ringSlots: 1_024,
  users: 40_000,
  sync: 'always',
  segmentBytes: 65_536,
  firstSequence: 0,
  // So that no snapshot makes room.
  idsMax: 0,
  keep: { ms: Infinity, bytes: Infinity },
};

export interface Kind {
  nameBytes: number;
  isWide: boolean;
  /** Events in a block, at most. */
  blocks: number;
}

export const KINDS: readonly [string, Kind][] = [
  ['long names', { nameBytes: 128, isWide: true, blocks: 1 }],
  ['large amounts', { nameBytes: 0, isWide: true, blocks: 1 }],
  ['usual events', { nameBytes: 0, isWide: false, blocks: 1 }],
  ['usual events, in large blocks', { nameBytes: 0, isWide: false, blocks: 1_024 }],
];

export interface Filled {
  accepted: number;
  /** Nothing more was taken, and that the disk is full was the reason. */
  isFull: boolean;
  whenFull: number;
  /** With room again. */
  afterwards: number;
  /** Nothing more was taken because nobody had prepared more, and that the disk is full was the reason. */
  isFullAfterwards: boolean;
}

/**
 * Pushes what is taken until nothing is, then makes room, and checks what comes back. Throws if what was accepted has no
 * room, or is not all there.
 */
export function fillUp(kind: Kind, seed: number): Filled {
  const random = randomFrom(seed);
  const disk = new LyingDisk(random);
  const world = new World(disk, PLAN, random);
  const fill = () => world.fill(kind, 1 + Math.floor(random() * PLAN.ringSlots));
  world.begin();
  disk.capacity = disk.used + 300_000;
  let accepted = 0;
  for (let round = 0; round < 400; round++) {
    for (let fills = Math.floor(random() * 4); fills > 0; fills--) accepted += fill();
    world.archive();
    // Without room, a worker waits for the archivist: here, that would be for ever.
    world.drain(kind.blocks);
  }
  const isFull = world.isDiskFull;
  const whenFull = fill();
  disk.capacity = Infinity;
  let afterwards = 0;
  for (let round = 0; round < 40; round++) {
    world.archive(1_000);
    afterwards += fill();
    world.drain(kind.blocks);
  }
  while (world.fill(kind) > 0) world.drain(kind.blocks);
  const isFullAfterwards = world.isDiskFull;
  world.end(true);
  world.check();
  return { accepted, isFull, whenFull, afterwards, isFullAfterwards };
}

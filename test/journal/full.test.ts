/**
 * What was accepted always has room in the journal, whatever it is and however it is cut into blocks; what has none is
 * refused before.
 */
import { expect, test } from 'vitest';
import { LyingDisk } from './lying-disk.ts';
import type { Plan } from './plan.ts';
import { randomFrom } from './random.ts';
import { World } from './world.ts';

const PLAN: Plan = {
  workers: 1,
  ringSlots: 1_024,
  users: 4_000,
  sync: 'always',
  segmentBytes: 65_536,
  firstSequence: 0,
  // So that no snapshot makes room.
  keep: { ms: Infinity, bytes: Infinity },
};

test.each([
  ['long names', { nameBytes: 128, isWide: true, blocks: 1 }],
  ['large amounts', { nameBytes: 0, isWide: true, blocks: 1 }],
  ['usual events', { nameBytes: 0, isWide: false, blocks: 1 }],
  ['usual events, in large blocks', { nameBytes: 0, isWide: false, blocks: 1_024 }],
])('%s on a disk that fills up', (_, kind) => {
  const random = randomFrom(3);
  const disk = new LyingDisk(random);
  const world = new World(disk, PLAN, random);
  world.begin();
  disk.capacity = disk.used + 300_000;
  let accepted = 0;
  for (let round = 0; round < 400; round++) {
    accepted += world.fill(kind);
    world.archive();
    // Without room, a worker waits for the archivist: here, that would be for ever.
    world.drain(kind.blocks);
  }
  expect(accepted).toBeGreaterThan(500);
  expect(world.isDiskFull).toBe(true);
  expect(world.fill(kind)).toBe(0);
  // There is room again, and no longer a reason to refuse.
  disk.capacity = Infinity;
  world.archive(2_000);
  expect(world.fill(kind)).toBeGreaterThan(0);
  world.drain(kind.blocks);
  world.end(true);
  world.check();
});

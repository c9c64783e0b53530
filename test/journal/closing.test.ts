/** A server that has stopped has said so in each lane, so that the next one knows that nothing is missing. */
import { expect, test } from 'vitest';
import { LyingDisk } from './lying-disk.ts';
import type { Plan } from './plan.ts';
import { randomFrom } from './random.ts';
import { World } from './world.ts';

const PLAN: Plan = {
  workers: 1,
  ringSlots: 1_024,
  users: 100,
  sync: 'always',
  segmentBytes: 65_536,
  firstSequence: 0,
  idsMax: 0,
  keep: { ms: Infinity, bytes: Infinity },
};
/** A segment has room for 113 blocks of so many events, and then for 34 events more. */
const BLOCK_EVENTS = 64;
const LEAST = 113 * BLOCK_EVENTS + 34 - 8;

test.each(Array.from({ length: 12 }, (_, more) => LEAST + more))(
  'whatever room is left in a segment, as behind %i events',
  events => {
    const random = randomFrom(events);
    const world = new World(new LyingDisk(random), PLAN, random);
    world.begin();
    for (let left = events; left > 0; ) {
      left -= world.fill({ nameBytes: 0, isWide: false }, Math.min(left, PLAN.ringSlots));
      world.archive();
      world.drain(BLOCK_EVENTS);
    }
    world.stop();
    expect(world.isClosed).toBe(true);
    world.end(true);
    world.check();
  },
);

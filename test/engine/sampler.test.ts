import { describe, expect, test } from 'vitest';
import { Lane } from '../../src/engine/lane.ts';
import { createMemory, laneOf, type Shape } from '../../src/engine/memory-layout.ts';
import { SAMPLE_SLOTS_MAX, Sampler } from '../../src/engine/sampler.ts';
import { SHARDS } from '../../src/engine/user-indices.ts';
import { UserTable } from '../../src/engine/user-table.ts';

const NAMES = new DataView(new ArrayBuffer(16));

/** Rings and a table of users without workers: whoever pushes says which shard the user is of. */
function engineOf(workers: number, ringSlots: number, firstSequence = 0, random?: () => number) {
  const shape: Shape = { workers, ringSlots, balanceSlots: 8, workUs: 0, workKind: 'cpu' };
  const buffer = createMemory(shape, firstSequence);
  const lanes = Array.from({ length: workers }, (_, worker) => new Lane(laneOf(buffer, shape, worker)));
  const users = new UserTable(NAMES, 10_000, workers);
  const sample = new Sampler(lanes, users.indices, random);
  let names = 0;
  return {
    lanes,
    sample,
    /** A new user of this shard; returns its index. */
    user(shard: number): number {
      NAMES.setInt32(0, ++names, true);
      return users.add({ nameAt: 0, nameBytes: 4, hash: (shard << 24) | names });
    },
    /** Pushes, and takes everything back at once: nothing but the slots remembers. */
    push(worker: number, user: number, ask = 0, amount = 1): void {
      const { words } = laneOf(buffer, shape, worker);
      const { ring } = lanes[worker]!;
      expect(ring.tryPush(user, ask, amount)).toBe(true);
      Atomics.store(words, 32, ring.tail);
    },
  };
}

const nonZero = (counts: ArrayLike<number>) =>
  Object.fromEntries(Array.from(counts).flatMap((count, shard) => (count === 0 ? [] : [[shard, count]])));

describe.each([0, 2 ** 31 - 3, 2 ** 32 - 3])('a look at the shards, with sequences from %i', first => {
  test('is exact where few events came, whatever their amounts, read or not', () => {
    const { sample, user, push, lanes } = engineOf(2, 64, first);
    const [low, high, other] = [user(0), user(254), user(255)];
    for (let event = 0; event < 5; event++) push(0, low);
    push(0, high, 7, 2 ** 40);
    push(1, other);
    expect(lanes[1]!.ring.tryPush(other, 0, 1)).toBe(true);
    expect(nonZero(sample.shards().events)).toEqual({ 0: 5, 254: 1, 255: 2 });
    expect(sample.shards()).toMatchObject({ pushed: 8, sampled: 8 });
    push(0, low);
    expect(nonZero(sample.shards().events)).toEqual({ 0: 6, 254: 1, 255: 2 });
  });

  test('after more than the ring has slots takes the last ones for all', () => {
    const { sample, user, push } = engineOf(1, 8, first);
    const [before, after] = [user(1), user(2)];
    for (let event = 0; event < 20; event++) push(0, event < 12 ? before : after);
    expect(nonZero(sample.shards().events)).toEqual({ 2: 20 });
    expect(sample.shards()).toMatchObject({ pushed: 20, sampled: 8 });
  });
});

describe('a look at the shards', () => {
  test('reads no more slots than it may, and is not fooled by users that come in turns', () => {
    const { sample, user, push } = engineOf(1, 4 * SAMPLE_SLOTS_MAX);
    const users = [0, 1, 2, 3].map(user);
    // The step of the sample is 4, too: at a fixed place in it there would be one shard only.
    for (let event = 0; event < 4 * SAMPLE_SLOTS_MAX; event++) push(0, users[event % 4]!);
    const { events, pushed, sampled } = sample.shards();
    expect({ pushed, sampled }).toEqual({ pushed: 4 * SAMPLE_SLOTS_MAX, sampled: SAMPLE_SLOTS_MAX });
    const shares = [0, 1, 2, 3].map(shard => events[shard]! / pushed);
    // A quarter each; the standard deviation is 0.7 hundredths.
    for (const share of shares) expect(Math.abs(share - 0.25)).toBeLessThan(0.05);
    expect(shares.reduce((sum, share) => sum + share)).toBeCloseTo(1, 9);
  });

  test('stays within the slots pushed, at both ends of chance', () => {
    for (const chance of [0, 1 - Number.EPSILON]) {
      const { sample, user, push } = engineOf(1, 4 * SAMPLE_SLOTS_MAX, 2 ** 31 - 9, () => chance);
      const [before, since] = [user(8), user(9)];
      push(0, before);
      sample.shards();
      for (let event = 0; event < 2 * SAMPLE_SLOTS_MAX + 1; event++) push(0, since);
      const { events } = sample.shards();
      expect(events[8]).toBe(1);
      expect(events[9]).toBeCloseTo(2 * SAMPLE_SLOTS_MAX + 1, 6);
    }
  });

  test('knows how many users each shard has, exactly', () => {
    const { sample, user } = engineOf(3, 8);
    const expected: Record<number, number> = {};
    for (const [shard, count] of [
      [0, 1],
      [7, 8],
      [8, 9],
      [200, 17],
      [SHARDS - 1, 16],
    ] as const) {
      expected[shard] = count;
      for (let users = 0; users < count; users++) user(shard);
    }
    expect(nonZero(sample.shards().users)).toEqual(expected);
  });
});

test('a look at the rings gives head, tail and depth as they are, across the wrap', () => {
  const { sample, lanes } = engineOf(2, 8, 2 ** 32 - 2);
  for (let event = 0; event < 5; event++) lanes[1]!.ring.tryPush(0, 0, 1);
  expect(sample.rings()).toEqual([
    { head: 2 ** 32 - 2, tail: 2 ** 32 - 2, processed: 0 },
    { head: 2 ** 32 - 2, tail: 3, processed: 0 },
  ]);
});

/**
 * Every byte of a small journal is changed, and every file cut at every length: what comes back is what was there, or
 * the start is refused.
 */
import { describe, expect, test } from 'vitest';
import { Damage, VERSION } from '../../src/journal/format.ts';
import { recover } from '../../src/journal/recovery.ts';
import { LyingDisk } from './lying-disk.ts';
import { DIR, type Plan } from './plan.ts';
import { randomFrom } from './random.ts';
import { World } from './world.ts';

const PLAN: Plan = {
  workers: 2,
  ringSlots: 16,
  users: 30,
  sync: 'always',
  segmentBytes: 4_096,
  firstSequence: 0,
  keep: { ms: 0, bytes: 0 },
};

/** Ended by a stop, or by a crash. */
function journalOf(seed: number, isStopped: boolean): LyingDisk {
  const random = randomFrom(seed);
  const disk = new LyingDisk(random);
  const world = new World(disk, PLAN, random);
  for (let epoch = 0; epoch < 2; epoch++) {
    world.begin();
    for (let step = 0; step < 25; step++) world.step();
    if (epoch === 0 || isStopped) world.stop();
    world.end(false);
  }
  world.check();
  return disk;
}

function balancesOn(disk: LyingDisk): string {
  const { ledger } = recover(disk, DIR);
  const balances: string[] = [];
  for (let index = 0; index < ledger.indexEnd; index++)
    if (ledger.has(index)) balances.push(`${ledger.nameOf(index)} ${ledger.balances[index]}`);
  return balances.sort().join('\n');
}

/** What comes back, or what the damage is. */
function outcome(disk: LyingDisk): { balances: string } | { damage: string } {
  try {
    return { balances: balancesOn(disk) };
  } catch (error) {
    if (!(error instanceof Damage)) throw error;
    return { damage: error.message };
  }
}

/** A prime, so that every kind of byte is met; 1 in the long run. */
const STRIDE = Number(process.env.STRIDE ?? 31);

describe('after a stop', () => {
  const disk = journalOf(1, true);
  const whole = balancesOn(disk);

  test('there is something to damage', () => {
    expect(whole.split('\n').length).toBeGreaterThan(10);
    expect(disk.paths.filter(path => path.endsWith('.log')).length).toBeGreaterThan(4);
  });

  test.each(disk.paths)('a byte of %s', path => {
    const bytes = disk.bytesOf(path);
    let refused = 0;
    for (let at = 0; at < bytes.length; at += STRIDE) {
      const before = bytes[at]!;
      bytes[at] = before ^ (1 << (at % 8));
      const after = outcome(disk);
      bytes[at] = before;
      if ('damage' in after) refused += 1;
      else expect(after.balances, `byte ${at}`).toBe(whole);
    }
    expect(balancesOn(disk)).toBe(whole);
    expect(refused).toBeGreaterThan(0);
  });

  test.each(disk.paths)('%s, cut', path => {
    const { length } = disk.bytesOf(path);
    for (let bytes = 0; bytes < length; bytes += STRIDE) {
      const cut = disk.copy();
      cut.truncate(path, bytes);
      const after = outcome(cut);
      if (!('damage' in after)) expect(after.balances, `cut at ${bytes}`).toBe(whole);
    }
  });

  test.each(disk.paths)('%s, missing', path => {
    const without = disk.copy();
    without.remove(path);
    const after = outcome(without);
    if (!('damage' in after)) expect(after.balances).toBe(whole);
  });
});

describe('after a crash', () => {
  const disk = journalOf(3, false);
  const whole = balancesOn(disk);

  test('only a block at the end of a lane can go unnoticed', () => {
    const allowed = new Set<string>([whole]);
    for (const path of disk.paths.filter(each => each.endsWith('.log'))) {
      const bytes = disk.bytesOf(path);
      for (let at = 0; at < bytes.length; at += STRIDE) {
        const before = bytes[at]!;
        bytes[at] = before ^ 0x10;
        const after = outcome(disk);
        bytes[at] = before;
        if ('balances' in after) allowed.add(after.balances);
      }
    }
    // What was there, or that without the last block of one of the lanes.
    expect(allowed.size).toBeLessThanOrEqual(1 + PLAN.workers);
  });
});

test('a later version is refused by name', () => {
  const disk = journalOf(5, true);
  const meta = disk.bytesOf(`${DIR}/meta.json`);
  meta.write(meta.toString().replace(`"version":${VERSION}`, `"version":9`));
  expect(outcome(disk)).toEqual({
    damage: `${DIR}/meta.json: version 9 is later than this Tally knows (${VERSION})`,
  });
});

test('a folder that is no journal is refused', () => {
  const disk = new LyingDisk(() => 0);
  disk.makeFolder(DIR);
  disk.open(`${DIR}/holiday.jpg`, 'create');
  expect(outcome(disk)).toEqual({
    damage: `${DIR}: not the folder of a journal: it has no meta.json, but holiday.jpg`,
  });
});

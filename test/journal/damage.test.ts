/**
 * Every byte of a small journal is changed, and every file cut at every length: what comes back is what was there, or
 * the start is refused.
 */
import { describe, expect, test } from 'vitest';
import { VERSION } from '../../src/journal/format.ts';
import { balancesOn, changed, cut, journalOf, outcome, PLAN, without } from './harm.ts';
import { LyingDisk } from './lying-disk.ts';
import { DIR } from './plan.ts';

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
    let refused = 0;
    for (const { at, after } of changed(disk, path, STRIDE)) {
      if ('damage' in after) refused += 1;
      else expect(after.balances, `byte ${at}`).toBe(whole);
    }
    expect(balancesOn(disk)).toBe(whole);
    expect(refused).toBeGreaterThan(0);
  });

  test.each(disk.paths)('%s, cut', path => {
    for (const { at, after } of cut(disk, path, STRIDE))
      if (!('damage' in after)) expect(after.balances, `cut at ${at}`).toBe(whole);
  });

  test.each(disk.paths)('%s, missing', path => {
    for (const andBehind of [false, true]) {
      const after = without(disk, path, andBehind);
      if (!('damage' in after)) expect(after.balances).toBe(whole);
    }
  });
});

describe('after a crash', () => {
  const disk = journalOf(3, false);
  const whole = balancesOn(disk);

  test('only a block at the end of a lane can go unnoticed', () => {
    const allowed = new Set<string>([whole]);
    for (const path of disk.paths.filter(each => each.endsWith('.log'))) {
      for (const { after } of changed(disk, path, STRIDE))
        if ('balances' in after) allowed.add(after.balances);
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

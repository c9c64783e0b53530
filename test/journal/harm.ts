/** A small journal, to be damaged: what comes back of it then. */
import { Damage } from '../../src/journal/format.ts';
import { recover } from '../../src/journal/recovery.ts';
import { LyingDisk } from './lying-disk.ts';
import { DIR, type Plan } from './plan.ts';
import { randomFrom } from './random.ts';
import { World } from './world.ts';

export const PLAN: Plan = {
  workers: 2,
  ringSlots: 64,
  users: 120,
  sync: 'always',
  segmentBytes: 2_048,
  firstSequence: 0,
  idsMax: 64,
  keep: { ms: 0, bytes: 0 },
};

/** Ended by a stop, or by a crash. */
export function journalOf(seed: number, isStopped: boolean, { steps = 60, plan = PLAN } = {}): LyingDisk {
  const random = randomFrom(seed);
  const disk = new LyingDisk(random);
  const world = new World(disk, plan, random);
  for (let epoch = 0; epoch < 2; epoch++) {
    world.begin();
    for (let step = 0; step < steps; step++) world.step();
    if (epoch === 0 || isStopped) world.stop();
    world.end(false);
  }
  world.check();
  return disk;
}

export function balancesOn(disk: LyingDisk): string {
  const { ledger } = recover(disk, DIR);
  const balances: string[] = [];
  for (let index = 0; index < ledger.indexEnd; index++)
    if (ledger.has(index)) balances.push(`${ledger.nameOf(index)} ${ledger.balances[index]}`);
  return balances.sort().join('\n');
}

/** What comes back, or what the damage is. */
export function outcome(disk: LyingDisk): { balances: string } | { damage: string } {
  try {
    return { balances: balancesOn(disk) };
  } catch (error) {
    if (!(error instanceof Damage)) throw error;
    return { damage: error.message };
  }
}

/** What comes back with a byte changed, for every `stride`th byte of a file. */
export function* changed(disk: LyingDisk, path: string, stride: number) {
  const bytes = disk.bytesOf(path);
  for (let at = 0; at < bytes.length; at += stride) {
    const before = bytes[at]!;
    bytes[at] = before ^ (1 << (at % 8));
    const after = outcome(disk);
    bytes[at] = before;
    yield { at, after };
  }
}

/** What comes back with a file cut, at every `stride`th length. */
export function* cut(disk: LyingDisk, path: string, stride: number) {
  const { length } = disk.bytesOf(path);
  for (let bytes = 0; bytes < length; bytes += stride) {
    const shorter = disk.copy();
    shorter.truncate(path, bytes);
    yield { at: bytes, after: outcome(shorter) };
  }
}

/** What comes back without a file, and, if they are told to be gone too, without those behind it in its folder. */
export function without(disk: LyingDisk, path: string, andBehind = false) {
  const less = disk.copy();
  const folder = path.slice(0, path.lastIndexOf('/') + 1);
  for (const each of disk.paths)
    if (each === path || (andBehind && each.startsWith(folder) && each > path)) less.remove(each);
  return outcome(less);
}

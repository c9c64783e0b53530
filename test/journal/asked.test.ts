/** A snapshot that is asked for: it is made at once, and the answer says how that ended. */
import { expect, test } from 'vitest';
import { Archivist } from '../../src/journal/archivist.ts';
import { beginEpoch, partsOf } from '../../src/journal/folder.ts';
import { Ledger } from '../../src/journal/ledger.ts';
import { createJournalMemory, Head, headOf, namesBytesFor } from '../../src/journal/memory.ts';
import { readSnapshot } from '../../src/journal/snapshot.ts';
import { LyingDisk } from './lying-disk.ts';
import { DIR } from './plan.ts';
import { randomFrom } from './random.ts';

const SEGMENT_BYTES = 65_536;
const RING_SLOTS = 64;

/** A journal of one lane and one user, to which nothing is written. */
function archived() {
  const disk = new LyingDisk(randomFrom(1));
  disk.makeFolder(DIR);
  disk.syncFolder('');
  const ledger = new Ledger({ idsMax: 0, idsMs: 1, isDurable: true });
  ledger.add(0, 70, Buffer.from('alice'));
  const secret = { mark: 1, start: 2 };
  const start = { epoch: 1, secret, timeMs: 5, idKey: [1, 2, 3, 4] as const, ledger, lanes: 1 };
  const renewed = { newIndexOf: Uint32Array.of(0), ids: ledger.ids.map(ids => ids!), rules: ledger.rules };
  const folder = beginEpoch(disk, DIR, start, SEGMENT_BYTES, renewed);
  const buffer = createJournalMemory(1, namesBytesFor(RING_SLOTS));
  const sizes = { lanes: 1, ringSlots: RING_SLOTS, segmentBytes: SEGMENT_BYTES };
  const how = { sync: 'always', syncMs: 10, keep: { ms: 0, bytes: 0 } } as const;
  const archivist = new Archivist(disk, { buffer, dir: DIR, folder, epoch: 1, secret, ...sizes, ...how }, 0);
  archivist.turn(0);
  let nowMs = 0;
  const ask = () => {
    Atomics.add(headOf(buffer), Head.wanted, 1);
    nowMs += 1;
    archivist.turn(nowMs);
    return archivist.served;
  };
  return { disk, archivist, ask };
}

test('is written, also where nothing is new; nothing is written without being asked for', () => {
  const { disk, archivist, ask } = archived();
  archivist.turn(10_000);
  expect([archivist.snapshots, archivist.served.wanted]).toEqual([0, 0]);
  expect(ask()).toEqual({ wanted: 1, how: 'written' });
  expect(ask()).toEqual({ wanted: 2, how: 'written' });
  archivist.turn(20_000);
  expect(archivist.snapshots).toBe(2);
  // The one before it is needed no longer.
  const parts = partsOf(disk, DIR);
  expect(parts.map(({ snapshot }) => snapshot)).toEqual([2]);
  expect(readSnapshot(disk, parts[0]!.path).ledger.balances[0]).toBe(70);
});

test('is not there where the disk is full, and can be asked for again when it is not', () => {
  const { disk, archivist, ask } = archived();
  disk.capacity = disk.used;
  expect(ask()).toEqual({ wanted: 1, how: 'full' });
  expect(ask()).toEqual({ wanted: 2, how: 'full' });
  disk.capacity = Infinity;
  expect(ask()).toEqual({ wanted: 3, how: 'written' });
  expect(archivist.snapshots).toBe(1);
});

test('is not made of what is damaged, and the archivist goes on', () => {
  const { disk, archivist, ask } = archived();
  const path = disk.paths.find(each => each.includes('snapshot'))!;
  disk.bytesOf(path)[130]! ^= 1;
  expect(ask()).toEqual({ wanted: 1, how: 'damaged' });
  expect(ask()).toEqual({ wanted: 2, how: 'damaged' });
  expect(archivist.damage).toContain(path);
});

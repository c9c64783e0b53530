/**
 * Coming back: the last snapshot, then every block behind it, in order.
 */
import { drawIdKey, type IdKey } from '../protocol/id-hash.ts';
import type { Disk } from './disk.ts';
import { writtenBytes } from './extent.ts';
import { epochsOf, laneFilesOf, type Part, partAt } from './folder.ts';
import { Damage, epochName, laneName, numbered, segmentName, snapshotName } from './format.ts';
import { type Block, type LaneEnd, readLane } from './lane-reader.ts';
import { Ledger } from './ledger.ts';
import { readSnapshot } from './snapshot.ts';

export interface Recovered {
  /** Of the last start; 0: the folder is new. */
  epoch: number;
  ledger: Ledger;
  /** Events behind the snapshot. */
  events: number;
  blocks: number;
  /** Of the last block or snapshot; 0: there is none. */
  timeMs: number;
  /** How each lane ended. */
  ends: LaneEnd[];
  idKey: IdKey;
}

/** How far it is, for people. */
export interface RecoveryProgress {
  /** Written in the files that are read, about. */
  bytes: number;
  doneBytes: number;
  events: number;
}

/** Between two steps of a recovery there is time for something else. */
const STEP_BYTES = 2 ** 22;

/** Throws `Damage` if anything that was acknowledged can't be read. */
export function recover(disk: Disk, dir: string): Recovered {
  const steps = recovering(disk, dir);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** The same, in steps that take some tens of milliseconds. */
export function* recovering(disk: Disk, dir: string): Generator<RecoveryProgress, Recovered> {
  const epoch = epochsOf(disk, dir).at(-1);
  if (epoch === undefined)
    return { epoch: 0, ledger: new Ledger(), events: 0, blocks: 0, timeMs: 0, ends: [], idKey: drawIdKey() };
  const last = numbered(disk.list(`${dir}/${epochName(epoch)}`), snapshotName).at(-1);
  if (last === undefined) throw new Damage(`${dir}/${epochName(epoch)}`, undefined, 'it has no snapshot');
  const part = partAt(disk, dir, epoch, last);
  const snapshotBytes = writtenBytes(disk, part.path);
  const sizes = part.lanes.map(({ segment }, lane) => writtenFrom(disk, part, lane, segment));
  const laneBytes = sizes.map(each => [...each.values()].reduce((sum, bytes) => sum + bytes, 0));
  const bytes = laneBytes.reduce((sum, each) => sum + each, snapshotBytes);
  yield { bytes, doneBytes: 0, events: 0 };
  const { ledger, timeMs, lanes, idKey } = readSnapshot(disk, part.path);
  const recovered: Recovered = { epoch, ledger, events: 0, blocks: 0, timeMs, ends: [], idKey };
  let doneBytes = snapshotBytes;
  let toldBytes = 0;
  for (const [lane, at] of lanes.entries()) {
    const files = laneFilesOf(part, lane);
    const blocks = readLane(disk, files, at);
    let { segment } = at;
    /** Of the lane's segments before this one. */
    let behind = 0;
    let next = blocks.next();
    for (; !next.done; next = blocks.next()) {
      const block = next.value;
      const wrong = ledger.apply(lane, block);
      if (wrong !== undefined) throw damageOf(files.folder, block, wrong);
      recovered.blocks += 1;
      recovered.events += block.events;
      recovered.timeMs = Math.max(recovered.timeMs, block.timeMs);
      for (; segment < block.segment; segment++) behind += sizes[lane]!.get(segment) ?? 0;
      const placeBytes = doneBytes + behind + block.offset;
      if (placeBytes - toldBytes < STEP_BYTES) continue;
      toldBytes = placeBytes;
      yield { bytes, doneBytes: placeBytes, events: recovered.events };
    }
    recovered.ends.push(next.value);
    doneBytes += laneBytes[lane]!;
    yield { bytes, doneBytes, events: recovered.events };
  }
  recovered.events -= ledger.reads;
  const halved = ledger.transits.settle(ledger.balances, ledger.rules.isDurable);
  if (halved !== undefined)
    throw new Damage(
      part.folder,
      undefined,
      `the first half of transfer ${halved} is not there, but the second is`,
    );
  return recovered;
}

/** By number: what is written in a lane's segments. */
function writtenFrom(disk: Disk, part: Part, lane: number, first: number): Map<number, number> {
  const folder = `${part.folder}/${laneName(lane)}`;
  const segments = numbered(disk.list(folder), segmentName).filter(segment => segment >= first);
  return new Map(segments.map(segment => [segment, writtenBytes(disk, `${folder}/${segmentName(segment)}`)]));
}

export function damageOf(folder: string, block: Block, what: string): Damage {
  return new Damage(`${folder}, segment ${block.segment}`, block.offset, what);
}

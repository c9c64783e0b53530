/**
 * Coming back: the last snapshot, then every block behind it, in order.
 */
import type { Disk } from './disk.ts';
import { epochsOf, laneFilesOf, partAt } from './folder.ts';
import { Damage, epochName, numbered, snapshotName } from './format.ts';
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
}

/** Throws `Damage` if anything that was acknowledged can't be read. */
export function recover(disk: Disk, dir: string): Recovered {
  const epoch = epochsOf(disk, dir).at(-1);
  if (epoch === undefined)
    return { epoch: 0, ledger: new Ledger(), events: 0, blocks: 0, timeMs: 0, ends: [] };
  const last = numbered(disk.list(`${dir}/${epochName(epoch)}`), snapshotName).at(-1);
  if (last === undefined) throw new Damage(`${dir}/${epochName(epoch)}`, undefined, 'it has no snapshot');
  const part = partAt(disk, dir, epoch, last);
  const { ledger, timeMs, lanes } = readSnapshot(disk, part.path);
  const recovered: Recovered = { epoch, ledger, events: 0, blocks: 0, timeMs, ends: [] };
  lanes.forEach((at, lane) => {
    const files = laneFilesOf(part, lane);
    const blocks = readLane(disk, files, at);
    for (let next = blocks.next(); ; next = blocks.next()) {
      if (next.done) {
        recovered.ends.push(next.value);
        return;
      }
      const wrong = ledger.apply(next.value);
      if (wrong !== undefined) throw damageOf(files.folder, next.value, wrong);
      recovered.blocks += 1;
      recovered.events += next.value.events;
      recovered.timeMs = Math.max(recovered.timeMs, next.value.timeMs);
    }
  });
  recovered.events -= ledger.reads;
  return recovered;
}

export function damageOf(folder: string, block: Block, what: string): Damage {
  return new Damage(`${folder}, segment ${block.segment}`, block.offset, what);
}

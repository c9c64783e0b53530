/**
 * The folder of a journal: its epochs and their snapshots, and the parts of which a history is made.
 */
import { randomInt } from 'node:crypto';
import { type Disk, readWhole } from './disk.ts';
import {
  Damage,
  epochName,
  laneName,
  numbered,
  SEGMENT_HEADER_BYTES,
  type Secret,
  type SegmentHeader,
  segmentHeader,
  segmentName,
  segmentSize,
  snapshotName,
  VERSION,
} from './format.ts';
import { type Renewed, readHeader, type Snapshot, type SnapshotHeader, writeSnapshot } from './snapshot.ts';

const META = 'meta.json';
const FORMAT = 'tally-journal';
const BESIDE = '.tmp';
/** Two: the first may be written to when the second exists. */
export const SEGMENTS_FIRST = 2;
const ZEROS = Buffer.alloc(2 ** 20);

/** What stands in meta.json. */
interface Meta {
  format: string;
  version: number;
  /** The epoch of the last start. */
  epoch: number;
}

/** A snapshot, and the blocks of its epoch behind it, up to the next part. */
export interface Part extends SnapshotHeader {
  folder: string;
  path: string;
  snapshot: number;
}

/** The epochs that exist, in order. Throws `Damage` if the last one is not there, or if the folder is not a journal. */
export function epochsOf(disk: Disk, dir: string): number[] {
  const names = disk.list(dir);
  const epochs = numbered(names, epochName);
  const last = epochs.at(-1) ?? 0;
  if (!names.includes(META)) {
    const others = names.filter(name => !/^(lock|lost\+found|.*\.tmp|epoch-.*)/.test(name));
    if (others.length > 0 || last > 1)
      throw new Damage(
        dir,
        undefined,
        `not the folder of a journal: it has no ${META}, but ${others[0] ?? epochName(last)}`,
      );
    return epochs;
  }
  const meta = metaOf(disk, dir);
  if (last < meta.epoch)
    throw new Damage(`${dir}/${epochName(meta.epoch)}`, undefined, 'the folder of the last start is missing');
  return epochs;
}

function metaOf(disk: Disk, dir: string): Meta {
  const path = `${dir}/${META}`;
  let meta: Partial<Meta>;
  try {
    meta = JSON.parse(readWhole(disk, path).toString()) as Partial<Meta>;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new Damage(path, undefined, 'not JSON');
  }
  const { format, version, epoch } = meta;
  if (format !== FORMAT || !Number.isInteger(version) || !Number.isInteger(epoch))
    throw new Damage(path, undefined, 'not that of a journal');
  if (version! > VERSION)
    throw new Damage(path, undefined, `version ${version} is later than this Tally knows (${VERSION})`);
  return { format, version: version!, epoch: epoch! };
}

/** All that is left of the history, in order. */
export function partsOf(disk: Disk, dir: string): Part[] {
  return epochsOf(disk, dir).flatMap(epoch => {
    const folder = `${dir}/${epochName(epoch)}`;
    return numbered(disk.list(folder), snapshotName).map(snapshot => partAt(disk, dir, epoch, snapshot));
  });
}

export function partAt(disk: Disk, dir: string, epoch: number, snapshot: number): Part {
  const folder = `${dir}/${epochName(epoch)}`;
  const path = `${folder}/${snapshotName(snapshot)}`;
  const header = readHeader(disk, path);
  if (header.epoch !== epoch) throw new Damage(path, 12, `it is of epoch ${header.epoch}`);
  return { ...header, folder, path, snapshot };
}

export function laneFilesOf(
  { folder, epoch, secret }: Omit<Part, 'path' | 'snapshot' | 'lanes' | 'timeMs' | 'idKey'>,
  lane: number,
) {
  return { folder: `${folder}/${laneName(lane)}`, epoch, lane, secret };
}

export function drawSecret(): Secret {
  return { mark: randomInt(1, 2 ** 32), start: randomInt(2 ** 32) };
}

/**
 * Makes the folder of a new epoch, with a snapshot of what there is and the first segments of each lane. It is there
 * whole or not at all: only then is the old one no longer needed. Returns its path.
 */
export function beginEpoch(
  disk: Disk,
  dir: string,
  start: Omit<Snapshot, 'lanes'> & { lanes: number },
  segmentBytes: number,
  renewed?: Renewed,
): string {
  const { epoch, secret } = start;
  const folder = `${dir}/${epochName(epoch)}`;
  const beside = folder + BESIDE;
  // The very first start may have ended before it wrote this; a second one must not be found without it.
  if (epoch > 1 && !disk.list(dir).includes(META)) writeMeta(disk, dir, epoch - 1);
  disk.remove(beside);
  disk.makeFolder(beside);
  const lanes = Array.from({ length: start.lanes }, () => ({ segment: 0, number: 0 }));
  writeSnapshot(disk, beside, snapshotName(0), { ...start, lanes }, renewed);
  for (let lane = 0; lane < start.lanes; lane++) {
    const laneFolder = `${beside}/${laneName(lane)}`;
    disk.makeFolder(laneFolder);
    for (let segment = 0; segment < SEGMENTS_FIRST; segment++)
      createSegment(disk, laneFolder, { epoch, lane, segment, secret }, segmentBytes);
  }
  disk.syncFolder(beside);
  disk.rename(beside, folder);
  disk.syncFolder(dir);
  writeMeta(disk, dir, epoch);
  return folder;
}

/** Creates a segment, full of zeros, durably; if that fails, it does not exist. */
export function createSegment(
  disk: Disk,
  folder: string,
  header: Omit<SegmentHeader, 'bytes'>,
  segmentBytes: number,
): void {
  const path = `${folder}/${segmentName(header.segment)}`;
  const beside = path + BESIDE;
  const bytes = segmentSize(header.segment, segmentBytes);
  disk.remove(beside);
  try {
    const file = disk.open(beside, 'create');
    try {
      file.write([segmentHeader({ ...header, bytes })], 0);
      for (let at = SEGMENT_HEADER_BYTES; at < bytes; at += ZEROS.length)
        file.write([ZEROS.subarray(0, Math.min(ZEROS.length, bytes - at))], at);
      file.sync();
    } finally {
      file.close();
    }
  } catch (error) {
    disk.remove(beside);
    throw error;
  }
  disk.rename(beside, path);
  disk.syncFolder(folder);
}

export function writeMeta(disk: Disk, dir: string, epoch: number): void {
  const beside = `${dir}/${META}${BESIDE}`;
  disk.remove(beside);
  const file = disk.open(beside, 'create');
  try {
    const meta: Meta = { format: FORMAT, version: VERSION, epoch };
    file.write([Buffer.from(`${JSON.stringify(meta)}\n`)], 0);
    file.sync();
  } finally {
    file.close();
  }
  disk.rename(beside, `${dir}/${META}`);
  disk.syncFolder(dir);
}

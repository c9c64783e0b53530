/**
 * A snapshot: all users and balances, and where in each lane the blocks begin that are not in it.
 *
 * ```
 *  header   64 bytes: magic, version, epoch, lanes, users, time (float64), mark, start
 *  lanes    16 bytes each: segment and number of the next block (float64)
 *  users    index (u32), bytes of the name (u32), balance (float64), name; padded to 8 bytes
 *  end      8 bytes: CRC-32 of all before it, and 0
 * ```
 */
import { crc32 } from 'node:zlib';
import { type Disk, readWhole } from './disk.ts';
import { Damage, type Secret, VERSION } from './format.ts';
import type { LaneAt } from './lane-reader.ts';
import { Ledger } from './ledger.ts';

const MAGIC = 'TALLYSNP';
const HEADER_BYTES = 64;
const LANE_BYTES = 16;
const USER_BYTES = 16;
const END_BYTES = 8;
const CHUNK_BYTES = 2 ** 20;

export interface SnapshotHeader {
  epoch: number;
  secret: Secret;
  /** Of the last block in it, by the clock of the machine that wrote it. */
  timeMs: number;
  lanes: LaneAt[];
}

export interface Snapshot extends SnapshotHeader {
  ledger: Ledger;
}

/** Writes a snapshot, and syncs it: under another name first, so that it is there whole or not at all.
 * `newIndexOf` gives users other indices than they have in the ledger. Returns its bytes. */
export function writeSnapshot(
  disk: Disk,
  folder: string,
  name: string,
  snapshot: Snapshot,
  newIndexOf?: Uint32Array,
): number {
  const { epoch, secret, timeMs, lanes, ledger } = snapshot;
  const path = `${folder}/${name}`;
  const beside = `${path}.tmp`;
  disk.remove(beside);
  const file = disk.open(beside, 'create');
  let isWhole = false;
  let chunk = Buffer.alloc(CHUNK_BYTES);
  let used = 0;
  let at = 0;
  let crc = 0;
  const flush = () => {
    const part = chunk.subarray(0, used);
    crc = crc32(part, crc);
    file.write([part], at);
    at += used;
    used = 0;
    chunk = Buffer.alloc(CHUNK_BYTES);
  };
  const room = (bytes: number) => {
    if (used + bytes > CHUNK_BYTES) flush();
    const place = used;
    used += bytes;
    return place;
  };
  try {
    const header = room(HEADER_BYTES);
    chunk.write(MAGIC, header, 'latin1');
    [VERSION, epoch, lanes.length, ledger.users].forEach((value, word) => {
      chunk.writeUInt32LE(value, header + 8 + word * 4);
    });
    chunk.writeDoubleLE(timeMs, header + 24);
    chunk.writeUInt32LE(secret.mark, header + 32);
    chunk.writeUInt32LE(secret.start, header + 36);
    for (const { segment, number } of lanes) {
      const lane = room(LANE_BYTES);
      chunk.writeDoubleLE(segment, lane);
      chunk.writeDoubleLE(number, lane + 8);
    }
    for (let index = 0; index < ledger.indexEnd; index++) {
      if (!ledger.has(index)) continue;
      const nameBytes = ledger.nameBytesOf(index);
      const user = room(userBytes(nameBytes));
      chunk.writeUInt32LE(newIndexOf?.[index] ?? index, user);
      chunk.writeUInt32LE(nameBytes, user + 4);
      chunk.writeDoubleLE(ledger.balances[index]!, user + 8);
      ledger.copyName(index, chunk, user + USER_BYTES);
    }
    flush();
    at += END_BYTES;
    const end = Buffer.alloc(END_BYTES);
    end.writeUInt32LE(crc, 0);
    file.write([end], at - END_BYTES);
    file.sync();
    isWhole = true;
  } finally {
    file.close();
    // On a full disk, others need its room.
    if (!isWhole) disk.remove(beside);
  }
  disk.rename(beside, path);
  disk.syncFolder(folder);
  return at;
}

/** What a snapshot says of itself, without its users; its checksum is not looked at. */
export function readHeader(disk: Disk, path: string): SnapshotHeader {
  const file = disk.open(path, 'read');
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    if (file.read(header, 0) < HEADER_BYTES) throw new Damage(path, undefined, 'the snapshot is cut off');
    const laneBytes = header.readUInt32LE(16) * LANE_BYTES;
    refuseOthers(header, path);
    if (HEADER_BYTES + laneBytes > file.bytes) throw new Damage(path, 16, 'the snapshot is cut off');
    const lanes = Buffer.alloc(laneBytes);
    file.read(lanes, HEADER_BYTES);
    return headerOf(Buffer.concat([header, lanes]), path);
  } finally {
    file.close();
  }
}

function refuseOthers(bytes: Buffer, path: string): void {
  if (bytes.toString('latin1', 0, 8) !== MAGIC) throw new Damage(path, 0, 'not a snapshot of a journal');
  const version = bytes.readUInt32LE(8);
  if (version > VERSION)
    throw new Damage(path, 8, `version ${version} is later than this Tally knows (${VERSION})`);
}

function headerOf(bytes: Buffer, path: string): SnapshotHeader {
  refuseOthers(bytes, path);
  const lanes = Array.from({ length: bytes.readUInt32LE(16) }, (_, lane) => {
    const at = HEADER_BYTES + lane * LANE_BYTES;
    return { segment: bytes.readDoubleLE(at), number: bytes.readDoubleLE(at + 8) };
  });
  return {
    epoch: bytes.readUInt32LE(12),
    secret: { mark: bytes.readUInt32LE(32), start: bytes.readUInt32LE(36) },
    timeMs: bytes.readDoubleLE(24),
    lanes,
  };
}

/** Throws `Damage` if it is not whole. */
export function readSnapshot(disk: Disk, path: string): Snapshot {
  const bytes = readWhole(disk, path);
  const end = bytes.length - END_BYTES;
  if (end < HEADER_BYTES) throw new Damage(path, undefined, 'the snapshot is cut off');
  const isWhole =
    crc32(bytes.subarray(0, end)) === bytes.readUInt32LE(end) && bytes.readUInt32LE(end + 4) === 0;
  // Of another version, other bytes may be the checksum.
  if (!isWhole) refuseOthers(bytes, path);
  if (!isWhole) throw new Damage(path, end, 'the checksum of the snapshot is wrong');
  const header = headerOf(bytes, path);
  const ledger = new Ledger();
  const users = bytes.readUInt32LE(20);
  let at = HEADER_BYTES + header.lanes.length * LANE_BYTES;
  while (at < end) {
    const nameBytes = bytes.readUInt32LE(at + 4);
    const name = bytes.subarray(at + USER_BYTES, at + USER_BYTES + nameBytes);
    ledger.add(bytes.readUInt32LE(at), bytes.readDoubleLE(at + 8), name);
    at += userBytes(nameBytes);
  }
  if (ledger.users !== users)
    throw new Damage(path, undefined, `the snapshot has ${ledger.users} users, not ${users}`);
  return { ...header, ledger };
}

function userBytes(nameBytes: number): number {
  return (USER_BYTES + nameBytes + 7) & ~7;
}

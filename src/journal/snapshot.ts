/**
 * A snapshot: all users and balances, the ids that are remembered, the transfers under way, and where in each lane the
 * blocks begin that are not in it.
 *
 * ```
 *  header     128 bytes: see `At`
 *  lanes      24 bytes each: segment and number of the next block, ids (float64)
 *  users      index (u32), bytes of the name (u32), balance (float64), name; padded to 8 bytes
 *  ids        64 bytes each (engine/ids.ts), of one lane after the other, the oldest first
 *  transfers  48 bytes each (transits.ts)
 *  end        8 bytes: CRC-32 of all before it, and 0
 * ```
 *
 * Of version 1, the header is 64 bytes, a lane has 16, and there are no ids and transfers.
 */
import { crc32 } from 'node:zlib';
import type { Ids } from '../engine/ids.ts';
import { ID_WORDS } from '../engine/words.ts';
import { drawIdKey, type IdKey } from '../protocol/id-hash.ts';
import { type Disk, readWhole } from './disk.ts';
import { Damage, type Secret, VERSION } from './format.ts';
import type { LaneAt } from './lane-reader.ts';
import { Ledger, RULES_1, type Rules } from './ledger.ts';
import { putTransit, readTransit, transitBytes } from './transits.ts';

const MAGIC = 'TALLYSNP';
/** Of the header: bytes. From `idKey` on, not in version 1. */
const At = {
  version: 8,
  epoch: 12,
  lanes: 16,
  users: 20,
  timeMs: 24,
  secret: 32,
  idKey: 40,
  idsMax: 56,
  idsMs: 60,
  /** Float64, as the time. */
  transfersEnd: 64,
  transits: 72,
  isDurable: 76,
};
const ID_BYTES = ID_WORDS * 4;
const USER_BYTES = 16;
const END_BYTES = 8;
const CHUNK_BYTES = 2 ** 20;

/** By version: bytes of the header and of a lane. */
function sizesOf(version: number): { headerBytes: number; laneBytes: number } {
  return version === 1 ? { headerBytes: 64, laneBytes: 16 } : { headerBytes: 128, laneBytes: 24 };
}

export interface SnapshotHeader {
  epoch: number;
  secret: Secret;
  /** Of the last block in it, by the clock of the machine that wrote it. */
  timeMs: number;
  lanes: LaneAt[];
  /** The key of the hash of ids. */
  idKey: IdKey;
}

export interface Snapshot extends SnapshotHeader {
  ledger: Ledger;
}

/** What is written instead of what is in the ledger, when a server starts: its users get other indices, and lanes. */
export interface Renewed {
  newIndexOf: Uint32Array;
  /** Of each lane, with the new indices. */
  ids: readonly Ids[];
  rules: Rules;
}

/** Writes a snapshot, and syncs it: under another name first, so that it is there whole or not at all. Returns its
 * bytes. */
export function writeSnapshot(
  disk: Disk,
  folder: string,
  name: string,
  snapshot: Snapshot,
  renewed?: Renewed,
): number {
  const { epoch, secret, timeMs, lanes, idKey, ledger } = snapshot;
  const ids = renewed?.ids ?? ledger.ids;
  const rules = renewed?.rules ?? ledger.rules;
  const indexOf = (index: number) => renewed?.newIndexOf[index] ?? index;
  const transits = [...ledger.transits.open.values()];
  const { headerBytes, laneBytes } = sizesOf(VERSION);
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
    const header = room(headerBytes);
    chunk.write(MAGIC, header, 'latin1');
    const words = (place: number, values: readonly number[]) =>
      values.forEach((value, word) => {
        chunk.writeUInt32LE(value >>> 0, header + place + word * 4);
      });
    words(At.version, [VERSION, epoch, lanes.length, ledger.users]);
    chunk.writeDoubleLE(timeMs, header + At.timeMs);
    words(At.secret, [secret.mark, secret.start, ...idKey, rules.idsMax, rules.idsMs]);
    chunk.writeDoubleLE(ledger.transits.end, header + At.transfersEnd);
    words(At.transits, [transits.length, rules.isDurable ? 1 : 0]);
    lanes.forEach(({ segment, number }, index) => {
      const lane = room(laneBytes);
      chunk.writeDoubleLE(segment, lane);
      chunk.writeDoubleLE(number, lane + 8);
      chunk.writeDoubleLE(ids[index]?.count ?? 0, lane + 16);
    });
    for (let index = 0; index < ledger.indexEnd; index++) {
      if (!ledger.has(index)) continue;
      const nameBytes = ledger.nameBytesOf(index);
      const user = room(userBytes(nameBytes));
      chunk.writeUInt32LE(indexOf(index), user);
      chunk.writeUInt32LE(nameBytes, user + 4);
      chunk.writeDoubleLE(ledger.balances[index]!, user + 8);
      ledger.copyName(index, chunk, user + USER_BYTES);
    }
    const record = new Int32Array(ID_WORDS);
    const recordBytes = new Uint8Array(record.buffer);
    for (const each of ids) {
      for (let left = each?.count ?? 0; left > 0; left--) {
        each!.copyTo((each!.tail - left) | 0, record);
        // `room` may begin another chunk.
        const place = room(ID_BYTES);
        chunk.set(recordBytes, place);
      }
    }
    for (const transit of transits) {
      const place = room(transitBytes(1));
      putTransit(chunk, place, transit, indexOf);
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
    const header = Buffer.alloc(sizesOf(VERSION).headerBytes);
    const read = file.read(header, 0);
    if (read < sizesOf(1).headerBytes) throw new Damage(path, undefined, 'the snapshot is cut off');
    refuseOthers(header, path);
    const { headerBytes, laneBytes } = sizesOf(header.readUInt32LE(At.version));
    const bytes = headerBytes + header.readUInt32LE(At.lanes) * laneBytes;
    if (bytes > file.bytes) throw new Damage(path, At.lanes, 'the snapshot is cut off');
    const whole = Buffer.alloc(bytes);
    file.read(whole, 0);
    return headerOf(whole, path);
  } finally {
    file.close();
  }
}

function refuseOthers(bytes: Buffer, path: string): void {
  if (bytes.toString('latin1', 0, 8) !== MAGIC) throw new Damage(path, 0, 'not a snapshot of a journal');
  const version = bytes.readUInt32LE(At.version);
  if (version > VERSION)
    throw new Damage(path, At.version, `version ${version} is later than this Tally knows (${VERSION})`);
}

function headerOf(bytes: Buffer, path: string): SnapshotHeader {
  refuseOthers(bytes, path);
  const version = bytes.readUInt32LE(At.version);
  const { headerBytes, laneBytes } = sizesOf(version);
  const lanes = Array.from({ length: bytes.readUInt32LE(At.lanes) }, (_, lane) => {
    const at = headerBytes + lane * laneBytes;
    return { segment: bytes.readDoubleLE(at), number: bytes.readDoubleLE(at + 8) };
  });
  const keyWord = (word: number) => bytes.readInt32LE(At.idKey + word * 4);
  return {
    epoch: bytes.readUInt32LE(At.epoch),
    secret: { mark: bytes.readUInt32LE(At.secret), start: bytes.readUInt32LE(At.secret + 4) },
    timeMs: bytes.readDoubleLE(At.timeMs),
    lanes,
    idKey: version === 1 ? drawIdKey() : [keyWord(0), keyWord(1), keyWord(2), keyWord(3)],
  };
}

/** Throws `Damage` if it is not whole. */
export function readSnapshot(disk: Disk, path: string): Snapshot {
  const bytes = readWhole(disk, path);
  const end = bytes.length - END_BYTES;
  if (end < sizesOf(1).headerBytes) throw new Damage(path, undefined, 'the snapshot is cut off');
  const isWhole =
    crc32(bytes.subarray(0, end)) === bytes.readUInt32LE(end) && bytes.readUInt32LE(end + 4) === 0;
  // Of another version, other bytes may be the checksum.
  if (!isWhole) refuseOthers(bytes, path);
  if (!isWhole) throw new Damage(path, end, 'the checksum of the snapshot is wrong');
  const header = headerOf(bytes, path);
  const version = bytes.readUInt32LE(At.version);
  const { headerBytes, laneBytes } = sizesOf(version);
  const rules =
    version === 1
      ? RULES_1
      : {
          idsMax: bytes.readUInt32LE(At.idsMax),
          idsMs: bytes.readUInt32LE(At.idsMs),
          isDurable: bytes.readUInt32LE(At.isDurable) === 1,
        };
  const ledger = new Ledger(rules);
  const users = bytes.readUInt32LE(At.users);
  let at = headerBytes + header.lanes.length * laneBytes;
  for (let user = 0; user < users && at < end; user++) {
    const nameBytes = bytes.readUInt32LE(at + 4);
    const name = bytes.subarray(at + USER_BYTES, at + USER_BYTES + nameBytes);
    ledger.add(bytes.readUInt32LE(at), bytes.readDoubleLE(at + 8), name);
    at += userBytes(nameBytes);
  }
  if (ledger.users !== users)
    throw new Damage(path, undefined, `the snapshot has ${ledger.users} users, not ${users}`);
  if (version > 1) {
    const record = new Int32Array(ID_WORDS);
    const recordBytes = new Uint8Array(record.buffer);
    header.lanes.forEach((_, lane) => {
      const count = bytes.readDoubleLE(headerBytes + lane * laneBytes + 16);
      if (count === 0) return;
      const ids = ledger.idsOf(lane, count);
      for (let left = count; left > 0; left--, at += ID_BYTES) {
        bytes.copy(recordBytes, 0, at, at + ID_BYTES);
        ids.restore(record);
      }
    });
    ledger.transits.end = bytes.readDoubleLE(At.transfersEnd);
    const transits = bytes.readUInt32LE(At.transits);
    for (let left = transits; left > 0; left--, at += transitBytes(1)) {
      const transit = readTransit(bytes, at);
      ledger.transits.open.set(transit.number, transit);
    }
  }
  if (at !== end) throw new Damage(path, at, 'the snapshot has more than it says');
  return { ...header, ledger };
}

function userBytes(nameBytes: number): number {
  return (USER_BYTES + nameBytes + 7) & ~7;
}

/**
 * The bytes of the journal: segments, blocks, and the names of files. All numbers are little endian.
 *
 * ```
 *  DIR/meta.json                         the version of the format
 *  DIR/epoch-000003/                     one start of the server, with as many lanes as it had workers
 *      snapshot-000000                   users and balances when it started; later ones replace it (snapshot.ts)
 *      lane-0/000000.log, 000001.log …   segments
 * ```
 *
 * A segment is a header and blocks, and zeros behind them. A block is a run of events of one worker:
 *
 * ```
 *  header    64 bytes
 *  slots     8 bytes an event, as they lie in the ring (engine/ring.ts)
 *  amounts   a float64 for each wide slot, in the order of the slots
 *  extras    40 bytes for each rich slot (engine/extra.ts), in the same order; from version 2 on
 *  names     of the users whose first event this is: sequence, index, bytes (u32 each), name; padded to 8 bytes
 * ```
 *
 * The checksum is CRC-32, begun with a secret of the epoch, so that no client can send bytes that are taken for a block
 * of ours. (CRC-32 finds every error in up to 32 bits in a row, and of others all but one in 2^32.)
 */
import { crc32 } from 'node:zlib';
import { EXTRA_BYTES } from '../engine/extra.ts';

export const VERSION = 2;
export const SEGMENT_HEADER_BYTES = 64;
export const BLOCK_HEADER_BYTES = 64;
export const SLOT_BYTES = 8;
/** Sequence, index, bytes. */
export const NAME_HEADER_BYTES = 12;
/** A block of one transfer with the longest names needs less; with less room, a segment is left. */
export const BLOCK_BYTES_MIN = 512;
const FIRST_BYTES = 2 ** 22;
const SEGMENT_MAGIC = 'TALLYSEG';

/** Of a start of the server: what makes its blocks known as its own. */
export interface Secret {
  /** In each block's header: where to look for one. u32. */
  mark: number;
  /** Where each checksum begins. u32. */
  start: number;
}

/** Segments grow up to their size, so a journal with little in it is small. */
export function segmentSize(segment: number, segmentBytes: number): number {
  return Math.min(segmentBytes, FIRST_BYTES * 2 ** Math.min(Math.max(0, segment - 1), 20));
}

/** Where in the blocks of a lane a segment begins, counted without headers of segments. */
export function bytesBefore(segment: number, segmentBytes: number): number {
  let bytes = 0;
  let at = 0;
  for (; at < segment && segmentSize(at, segmentBytes) < segmentBytes; at++)
    bytes += segmentSize(at, segmentBytes) - SEGMENT_HEADER_BYTES;
  return bytes + (segment - at) * (segmentBytes - SEGMENT_HEADER_BYTES);
}

const padded = (number: number) => String(number).padStart(6, '0');
export const epochName = (epoch: number) => `epoch-${padded(epoch)}`;
export const laneName = (lane: number) => `lane-${lane}`;
export const segmentName = (segment: number) => `${padded(segment)}.log`;
export const snapshotName = (snapshot: number) => `snapshot-${padded(snapshot)}`;

/** The numbers of those names that look like `name(number)`, in order. */
export function numbered(names: readonly string[], name: (number: number) => string): number[] {
  return names
    .map(each => Number(/\d+/.exec(each)?.[0] ?? Number.NaN))
    .filter((number, at) => name(number) === names[at])
    .sort((one, other) => one - other);
}

/** What is wrong with the files, and where. */
export class Damage extends Error {
  readonly file: string;
  readonly at: number | undefined;
  readonly what: string;

  constructor(file: string, at: number | undefined, what: string) {
    super(at === undefined ? `${file}: ${what}` : `${file}, byte ${at}: ${what}`);
    this.file = file;
    this.at = at;
    this.what = what;
  }
}

export interface SegmentHeader {
  /** Of the file. */
  bytes: number;
  epoch: number;
  lane: number;
  segment: number;
  secret: Secret;
}

export function segmentHeader(
  { bytes: size, epoch, lane, segment, secret }: SegmentHeader,
  version = VERSION,
): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  bytes.write(SEGMENT_MAGIC, 0, 'latin1');
  [version, epoch, lane, segment, secret.mark, secret.start, size].forEach((value, at) => {
    bytes.writeUInt32LE(value, 8 + at * 4);
  });
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60);
  return bytes;
}

/** Throws `Damage` unless the bytes begin with the header of just this segment. */
export function checkSegment(bytes: Buffer, file: string, expected: Omit<SegmentHeader, 'bytes'>): void {
  const { epoch, lane, segment, secret } = expected;
  if (bytes.length < SEGMENT_HEADER_BYTES) throw new Damage(file, 0, 'the header of the segment is cut off');
  if (bytes.toString('latin1', 0, 8) !== SEGMENT_MAGIC)
    throw new Damage(file, 0, 'not a segment of a journal');
  const version = bytes.readUInt32LE(8);
  if (version > VERSION)
    throw new Damage(file, 8, `version ${version} is later than this Tally knows (${VERSION})`);
  const size = bytes.readUInt32LE(32);
  const header = segmentHeader({ bytes: size, epoch, lane, segment, secret }, version);
  if (!bytes.subarray(0, SEGMENT_HEADER_BYTES).equals(header))
    throw new Damage(file, 0, `the header is not that of segment ${segment} of lane ${lane}, epoch ${epoch}`);
  // A segment has its size from the beginning.
  if (bytes.length !== size) throw new Damage(file, undefined, `it has ${bytes.length} bytes, not ${size}`);
}

/** The fields of a block's header; `number` counts the blocks of a lane in an epoch, `first` its events, from 0. */
export interface BlockHeader {
  bytes: number;
  events: number;
  number: number;
  first: number;
  timeMs: number;
  /** Blocks below this number were on the disk when this one was written. */
  synced: number;
  amounts: number;
  nameBytes: number;
  extras: number;
}

/** Of a block's header: 4-byte words up to `float`, then float64. */
const At = {
  crc: 0,
  bytes: 4,
  mark: 8,
  events: 12,
  number: 16,
  first: 24,
  timeMs: 32,
  synced: 40,
  amounts: 48,
  nameBytes: 52,
  extras: 56,
};

/** Writes the header; the checksum needs `sealBlock`. */
export function putHeader(view: DataView, block: BlockHeader, secret: Secret): void {
  view.setUint32(At.bytes, block.bytes, true);
  view.setUint32(At.mark, secret.mark, true);
  view.setUint32(At.events, block.events, true);
  view.setFloat64(At.number, block.number, true);
  view.setFloat64(At.first, block.first, true);
  view.setFloat64(At.timeMs, block.timeMs, true);
  view.setFloat64(At.synced, block.synced, true);
  view.setUint32(At.amounts, block.amounts, true);
  view.setUint32(At.nameBytes, block.nameBytes, true);
  view.setUint32(At.extras, block.extras, true);
}

/** Stores the checksum of a header and the parts behind it. */
export function sealBlock(header: Buffer, parts: readonly Uint8Array[], secret: Secret): void {
  let crc = crc32(header.subarray(At.bytes), secret.start);
  for (const part of parts) crc = crc32(part, crc);
  header.writeUInt32LE(crc, At.crc);
}

/** The header of the whole and right block at `at`; undefined if there is none. `end` is the end of the segment. */
export function blockAt(bytes: Buffer, at: number, end: number, secret: Secret): BlockHeader | undefined {
  if (at + BLOCK_HEADER_BYTES > end || bytes.readUInt32LE(at + At.mark) !== secret.mark) return undefined;
  const length = bytes.readUInt32LE(at + At.bytes);
  if (length < BLOCK_HEADER_BYTES || at + length > end || length % 8 !== 0) return undefined;
  const crc = crc32(bytes.subarray(at + At.bytes, at + length), secret.start);
  if (crc !== bytes.readUInt32LE(at + At.crc)) return undefined;
  const block = {
    bytes: length,
    events: bytes.readUInt32LE(at + At.events),
    number: bytes.readDoubleLE(at + At.number),
    first: bytes.readDoubleLE(at + At.first),
    timeMs: bytes.readDoubleLE(at + At.timeMs),
    synced: bytes.readDoubleLE(at + At.synced),
    amounts: bytes.readUInt32LE(at + At.amounts),
    nameBytes: bytes.readUInt32LE(at + At.nameBytes),
    extras: bytes.readUInt32LE(at + At.extras),
  };
  const numbers = (block.events + block.amounts) * SLOT_BYTES + block.extras * EXTRA_BYTES;
  const parts = BLOCK_HEADER_BYTES + numbers + block.nameBytes;
  return parts === length ? block : undefined;
}

/** The bytes of a name's record, in the ring of names and in a block. */
export function nameRecordBytes(nameBytes: number): number {
  return (NAME_HEADER_BYTES + nameBytes + 7) & ~7;
}

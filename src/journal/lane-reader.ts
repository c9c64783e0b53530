/**
 * Reads the blocks of a lane, in order, and tells the end of a lane from damage.
 *
 * A block that is not whole ends the lane: it was on its way when the process or the machine stopped, so nobody was told
 * that its events are in. But if a whole block lies behind it, in this segment or a later one, something was lost that
 * had been there. Only blocks that were not synced may be lost so, and each block says which ones were.
 */
import { EXTRA_FLOATS } from '../engine/extra.ts';
import { type Disk, readWhole } from './disk.ts';
import {
  BLOCK_HEADER_BYTES,
  type BlockHeader,
  blockAt,
  checkSegment,
  Damage,
  numbered,
  SEGMENT_HEADER_BYTES,
  type Secret,
  SLOT_BYTES,
  segmentName,
} from './format.ts';

const ZEROS = Buffer.alloc(2 ** 16);

/** A block, in the bytes of its segment: all of them are valid until the next block is asked for. */
export interface Block extends BlockHeader {
  /** The words of the segment, and where in it the slots begin. */
  words: Int32Array;
  slotsAt: number;
  /** The same as float64, and where the amounts of wide slots begin. */
  floats: Float64Array;
  amountsAt: number;
  /** The same, where the extras begin. */
  extrasAt: number;
  view: DataView;
  /** The names' records, in bytes of `view`. */
  namesAt: number;
  segment: number;
  offset: number;
}

export interface LaneAt {
  segment: number;
  /** Of the next block. */
  number: number;
}

export interface LaneFiles {
  /** The folder of the lane. */
  folder: string;
  epoch: number;
  lane: number;
  secret: Secret;
}

/** How a lane ended. */
export interface LaneEnd extends LaneAt {
  offset: number;
  /** The server had stopped, and had said so. */
  isClosed: boolean;
  /** There are bytes behind the last block: of one that was on its way. */
  isTorn: boolean;
}

/** Reads on from `from`, in segments below `before`; returns how the lane ends. Throws `Damage`. */
export function* readLane(
  disk: Disk,
  files: LaneFiles,
  from: LaneAt,
  before = Infinity,
): Generator<Block, LaneEnd> {
  const { folder, secret } = files;
  const segments = numbered(disk.list(folder), segmentName).filter(
    each => each >= from.segment && each < before,
  );
  const last = segments.at(-1);
  if (segments[0] !== from.segment || last === undefined)
    throw new Damage(`${folder}/${segmentName(from.segment)}`, undefined, 'the segment is missing');
  let { number } = from;
  let end: LaneEnd = {
    segment: from.segment,
    offset: SEGMENT_HEADER_BYTES,
    number,
    isClosed: false,
    isTorn: false,
  };
  for (const [at, segment] of segments.entries()) {
    if (segment !== from.segment + at)
      throw new Damage(`${folder}/${segmentName(from.segment + at)}`, undefined, 'the segment is missing');
    const file = `${folder}/${segmentName(segment)}`;
    const bytes = readWhole(disk, file);
    checkSegment(bytes, file, { ...files, segment });
    const whole = bytes.length & ~7;
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, whole / 4);
    const floats = new Float64Array(bytes.buffer, bytes.byteOffset, whole / 8);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let offset = SEGMENT_HEADER_BYTES;
    for (;;) {
      const block = blockAt(bytes, offset, whole, secret);
      if (block === undefined) break;
      if (block.number !== number) {
        // The lane had gone on behind blocks that are not there.
        refuseIfSynced(block, number, file, offset);
        return end;
      }
      const slotsAt = (offset + BLOCK_HEADER_BYTES) / 4;
      const amountsAt = slotsAt / 2 + block.events;
      const extrasAt = amountsAt + block.amounts;
      const namesAt = (extrasAt + block.extras * EXTRA_FLOATS) * SLOT_BYTES;
      yield Object.assign(block, {
        ...{ words, floats, view },
        ...{ slotsAt, amountsAt, extrasAt, namesAt },
        ...{ segment, offset },
      });
      offset += block.bytes;
      number += 1;
      end = { segment, offset, number, isClosed: block.events === 0, isTorn: false };
    }
    if (hasBytes(bytes, offset)) {
      end.isTorn = segment === end.segment;
      lookBehind(bytes, offset, whole, secret, number, file);
    }
  }
  // A segment is entered only when the next one exists.
  if (before === Infinity && end.segment === last && end.offset > SEGMENT_HEADER_BYTES)
    throw new Damage(`${folder}/${segmentName(last + 1)}`, undefined, 'the segment is missing');
  return end;
}

function hasBytes(bytes: Buffer, from: number): boolean {
  for (let at = from; at < bytes.length; at += ZEROS.length) {
    const part = bytes.subarray(at, at + ZEROS.length);
    if (!part.equals(ZEROS.subarray(0, part.length))) return true;
  }
  return false;
}

/** Looks for a whole block behind one that is not. */
function lookBehind(
  bytes: Buffer,
  from: number,
  end: number,
  secret: Secret,
  number: number,
  file: string,
): void {
  for (let at = from; at + BLOCK_HEADER_BYTES <= end; at += 8) {
    const block = blockAt(bytes, at, end, secret);
    if (block === undefined || block.number < number) continue;
    refuseIfSynced(block, number, file, at);
    at += block.bytes - 8;
  }
}

function refuseIfSynced(block: BlockHeader, number: number, file: string, at: number): void {
  if (block.synced > number)
    throw new Damage(
      file,
      at,
      `block ${block.number} is here, but block ${number}, which was on the disk before it, is not`,
    );
}

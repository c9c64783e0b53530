/**
 * A block: what one node gathered for one partition while its last block was under way. It is one message of the
 * partition's stream, and every node applies it record by record.
 *
 * All numbers are little endian, and all parts begin at a multiple of four bytes.
 *
 * ```
 *  header   magic and version 4    epoch of the node 4    number of the block 4    records 4
 *           bytes of the node's name 4, the name
 *  record   kind 1    flags 1    bytes of the name 1    bytes of the other name 1    hash of the name 4
 *           amount 4, or 8 if it has more than 32 bits    id 16, if it has one    min 8, if it has one
 *           of a half: source partition 4    reason 4    place in its chain 8    number of the transfer 8
 *           the name    if there is another name: its hash 4, the name
 * ```
 */
import { Outcome } from '../protocol/outcome.ts';
import { type ParsedRequest, Wants } from '../protocol/request.ts';

export const FORMAT_VERSION = 1;
const MAGIC = 0x424c5400; // "\0TLB"; the version is in the lowest byte
const HEADER_BYTES = 20;
const RECORD_BYTES_MIN = 12;
/** Of the flags, beside the bits of `Wants`: the amount is a float64. */
const WIDE = 128;
/** Of a record with all that it can have: two names of 128 bytes. */
export const RECORD_BYTES_MAX = RECORD_BYTES_MIN + 4 + 16 + 8 + 24 + 128 + 4 + 128;
/** Behind a block, the parsers of names read whole words. */
export const SLACK_BYTES = 64;

export const RecordKind = {
  event: 0,
  /** Of who gives; who gets may be in any partition. */
  transfer: 1,
  /** The second half, in the partition of who gets. */
  credit: 2,
  /** Back to who gave: the second half was refused. */
  refund: 3,
  /** Nothing: a fresh read waits until it has passed. */
  mark: 4,
} as const;
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind];

/** Where a name lies, and its hash. */
export interface NameAt {
  nameAt: number;
  nameBytes: number;
  hash: number;
}

/** One record, as it is written and read. Of a transfer `amount` is negative: what it takes; of a half it is positive. */
export interface BlockRecord extends NameAt {
  kind: RecordKind;
  amount: number;
  /** Bits of `Wants`. */
  wants: number;
  readonly id: Int32Array;
  min: number;
  /** Of a transfer: who gets. Of a credit: who gave. */
  readonly to: NameAt;
  /**
   * Of a half: the partition that it comes from, its place in the chain from there, the number of its transfer, which is
   * its credit's place, and the outcome that sends it back.
   */
  source: number;
  chain: number;
  number: number;
  reason: Outcome;
}

export function emptyRecord(): BlockRecord {
  const name = { nameAt: 0, nameBytes: 0, hash: 0 };
  return {
    ...{ ...name, kind: RecordKind.event, amount: 0, wants: 0, id: new Int32Array(4), min: 0 },
    ...{ to: { ...name }, source: 0, chain: 0, number: 0, reason: Outcome.accepted },
  };
}

const padded = (bytes: number) => (bytes + 3) & ~3;
const isHalf = (kind: RecordKind) => kind === RecordKind.credit || kind === RecordKind.refund;

/** Where it comes from. */
export interface BlockHeader {
  node: string;
  epoch: number;
  number: number;
  records: number;
}

/** Gathers records; `take` ends a block and begins the next. */
export class BlockWriter {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #start: number;
  readonly #bytesMax: number;
  #at: number;
  records = 0;

  /** The block has at most `bytesMax` bytes. */
  constructor(node: string, epoch: number, bytesMax: number) {
    // Its pages are touched when they are needed.
    this.#bytes = Buffer.allocUnsafeSlow(bytesMax + SLACK_BYTES);
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length);
    this.#bytesMax = bytesMax;
    const bytes = Buffer.from(node);
    this.#start = HEADER_BYTES + padded(bytes.length);
    this.#bytes.fill(0, 0, this.#start).set(bytes, HEADER_BYTES);
    this.#view.setUint32(0, MAGIC | FORMAT_VERSION, true);
    this.#view.setUint32(4, epoch, true);
    this.#view.setUint32(16, bytes.length, true);
    this.#at = this.#start;
  }

  get hasRoom(): boolean {
    return this.#at + RECORD_BYTES_MAX <= this.#bytesMax;
  }

  /**
   * Adds an event, or a transfer whose names lie in `names`, with 3 bytes behind each that can be read; there must be room.
   * Returns its place in the block.
   */
  addRequest(kind: RecordKind, request: ParsedRequest, names: DataView): number {
    const isTransfer = kind === RecordKind.transfer;
    this.#begin(kind, request, isTransfer ? request.to.nameBytes : 0);
    this.#name(request, names);
    if (isTransfer) {
      this.#view.setInt32(this.#at, request.to.hash, true);
      this.#at += 4;
      this.#name(request.to, names);
    }
    return this.records++;
  }

  /** Adds a half of a transfer, whose names are given. */
  addHalf(half: BlockRecord, name: Uint8Array, other: Uint8Array): number {
    this.#begin(half.kind, half, other.length);
    this.#view.setUint32(this.#at, half.source, true);
    this.#view.setUint32(this.#at + 4, half.reason, true);
    this.#view.setFloat64(this.#at + 8, half.chain, true);
    this.#view.setFloat64(this.#at + 16, half.number, true);
    this.#at += 24;
    this.#bytesOf(name);
    if (other.length > 0) {
      this.#view.setInt32(this.#at, half.to.hash, true);
      this.#at += 4;
      this.#bytesOf(other);
    }
    return this.records++;
  }

  addMark(): number {
    this.#begin(RecordKind.mark, NOTHING, 0);
    return this.records++;
  }

  /** The block with this number; it is the caller's, and the next one begins. */
  take(number: number): Uint8Array<ArrayBuffer> {
    this.#view.setUint32(8, number, true);
    this.#view.setUint32(12, this.records, true);
    const block = new Uint8Array(this.#at);
    block.set(this.#bytes.subarray(0, this.#at));
    this.#at = this.#start;
    this.records = 0;
    return block;
  }

  #begin(kind: RecordKind, record: Begun, otherBytes: number): void {
    const view = this.#view;
    const at = this.#at;
    const { wants } = record;
    const { amount } = record;
    const isWide = (amount | 0) !== amount;
    // Little endian: the kind comes first.
    const first =
      kind | ((isWide ? wants | WIDE : wants) << 8) | (record.nameBytes << 16) | (otherBytes << 24);
    view.setInt32(at, first, true);
    view.setInt32(at + 4, record.hash, true);
    let end = at + RECORD_BYTES_MIN;
    if (isWide) {
      view.setFloat64(at + 8, amount, true);
      end += 4;
    } else {
      view.setInt32(at + 8, amount, true);
    }
    if ((wants & Wants.id) !== 0) {
      for (let word = 0; word < 4; word++) view.setInt32(end + word * 4, record.id[word]!, true);
      end += 16;
    }
    if ((wants & Wants.min) !== 0) {
      view.setFloat64(end, record.min, true);
      end += 8;
    }
    this.#at = end;
  }

  /** In words: what is behind the name is overwritten by what comes next. */
  #name({ nameAt, nameBytes }: NameAt, names: DataView): void {
    const view = this.#view;
    const at = this.#at;
    for (let byte = 0; byte < nameBytes; byte += 4)
      view.setInt32(at + byte, names.getInt32(nameAt + byte, true), true);
    this.#at = at + padded(nameBytes);
  }

  #bytesOf(name: Uint8Array): void {
    const end = this.#at + padded(name.length);
    this.#bytes.fill(0, this.#at, end).set(name, this.#at);
    this.#at = end;
  }
}

type Begun = Pick<BlockRecord, 'nameBytes' | 'hash' | 'amount' | 'wants' | 'id' | 'min'>;
const NOTHING: Begun = { nameBytes: 0, hash: 0, amount: 0, wants: 0, id: new Int32Array(4), min: 0 };

/** A block that no node of this version has written. */
export class BlockError extends Error {}

/** Reads blocks that lie at `from` of a view. */
export class BlockReader {
  readonly record = emptyRecord();
  readonly header: BlockHeader = { node: '', epoch: 0, number: 0, records: 0 };
  readonly #view: DataView;
  readonly #bytes: Buffer;
  #at = 0;
  #end = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Reads the header of the block of `length` bytes at `from`. Throws `BlockError`. */
  open(from: number, length: number): BlockHeader {
    const view = this.#view;
    const { header } = this;
    const magic = length < HEADER_BYTES ? 0 : view.getUint32(from, true);
    if ((magic & ~0xff) !== MAGIC) throw new BlockError('it is no block of Tally');
    if ((magic & 0xff) !== FORMAT_VERSION) throw new BlockError(`it is of version ${magic & 0xff}`);
    header.epoch = view.getUint32(from + 4, true);
    header.number = view.getUint32(from + 8, true);
    header.records = view.getUint32(from + 12, true);
    const nodeBytes = view.getUint32(from + 16, true);
    this.#end = from + length;
    if (nodeBytes > length - HEADER_BYTES) throw new BlockError('its header is too long');
    header.node = this.#bytes.toString('latin1', from + HEADER_BYTES, from + HEADER_BYTES + nodeBytes);
    this.#at = from + HEADER_BYTES + padded(nodeBytes);
    return header;
  }

  /** Reads the next record, into `record`. Throws `BlockError`. */
  next(): BlockRecord {
    const view = this.#view;
    const { record } = this;
    let at = this.#at;
    if (at + RECORD_BYTES_MIN > this.#end) throw new BlockError('it ends within a record');
    const first = view.getInt32(at, true);
    record.kind = (first & 0xff) as RecordKind;
    if (record.kind > RecordKind.mark) throw new BlockError(`it has a record of kind ${record.kind}`);
    const flags = (first >> 8) & 0xff;
    record.wants = flags & ~WIDE;
    record.nameBytes = (first >> 16) & 0xff;
    const otherBytes = first >>> 24;
    record.hash = view.getInt32(at + 4, true);
    const isWide = (flags & WIDE) !== 0;
    record.amount = isWide ? view.getFloat64(at + 8, true) : view.getInt32(at + 8, true);
    at += RECORD_BYTES_MIN + (isWide ? 4 : 0);
    if ((record.wants & Wants.id) !== 0) {
      for (let word = 0; word < 4; word++) record.id[word] = view.getInt32(at + word * 4, true);
      at += 16;
    } else {
      record.id.fill(0);
    }
    if ((record.wants & Wants.min) !== 0) {
      record.min = view.getFloat64(at, true);
      at += 8;
    }
    if (isHalf(record.kind)) {
      record.source = view.getUint32(at, true);
      record.reason = view.getUint32(at + 4, true) as Outcome;
      record.chain = view.getFloat64(at + 8, true);
      record.number = view.getFloat64(at + 16, true);
      at += 24;
    }
    record.nameAt = at;
    at += padded(record.nameBytes);
    record.to.nameBytes = otherBytes;
    if (otherBytes > 0) {
      record.to.hash = view.getInt32(at, true);
      record.to.nameAt = at + 4;
      at += 4 + padded(otherBytes);
    }
    if (at > this.#end) throw new BlockError('it ends within a record');
    this.#at = at;
    return record;
  }
}

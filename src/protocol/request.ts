/**
 * What the judges say of a line. One object serves the whole socket thread: the judges fill it in, and whoever
 * asked reads it before the next line is judged.
 */
import { randomInt } from 'node:crypto';

/** What a line is. */
export const Kind = {
  event: 0,
  balance: 1,
  metrics: 2,
  metricsDetail: 3,
  health: 4,
  debug: 5,
  invalidJson: 6,
  invalidEvent: 7,
  unknownType: 8,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/** In front of the lines lies a place into which names with escapes are decoded. */
export const DECODED_AT = 0;
export const DECODED_BYTES = 256;
/** Bytes that may be read behind the last line: the judges look at whole words. */
const SLACK_BYTES = 64;

const NEWLINE = 0x0a;
const SIP_BYTES = 8_192;

/** The memory in which lines lie while they are judged: first those that were received before, then a chunk. */
export class Desk {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Where lines may start. */
  readonly start = DECODED_BYTES;
  readonly capacity: number;
  readonly chunkAt: number;
  /** Where sockets read into. */
  readonly chunk: Buffer;
  /** The first bytes of it. */
  readonly sip: Buffer;

  constructor(linesBytesMax: number, chunkBytes = 0) {
    this.capacity = linesBytesMax + chunkBytes;
    this.bytes = Buffer.alloc(DECODED_BYTES + this.capacity + SLACK_BYTES);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    this.chunkAt = this.start + linesBytesMax;
    this.chunk = this.bytes.subarray(this.chunkAt, this.chunkAt + chunkBytes);
    this.sip = this.chunk.subarray(0, SIP_BYTES);
  }

  /** Whether a line ends within so many bytes of the chunk. */
  hasLineEnd(bytes: number): boolean {
    const end = this.chunkAt + bytes;
    this.bytes[end] = NEWLINE;
    return this.bytes.indexOf(NEWLINE, this.chunkAt) < end;
  }
}

/** Of an event or a request for a balance: whose, how much. Valid only right after the judge said so. */
export interface Judgement {
  nameAt: number;
  nameBytes: number;
  hash: number;
  /** Signed: what the event adds to the balance. */
  amount: number;
  isWaiting: boolean;
}

/**
 * The hash of names. Its multipliers are drawn at start and secret, so that nobody can choose names that fall on
 * one another: with a known hash a client could make every look-up walk past all its users.
 *
 * (Not exported: an exported name is looked up, and checked, whenever it is used; these become part of the code.)
 */
const seed = randomInt(2 ** 31) | 0;
const first = (randomInt(2 ** 31) * 2 + 1) | 0;
const second = (randomInt(2 ** 31) * 2 + 1) | 0;

/** The hash of no word. */
export const HASH_SEED = seed;

/** Takes one word of a name into its hash; the last word is padded with zeros. */
export function hashWord(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, first);
  return Math.imul(mixed ^ (mixed >>> 15), second);
}

/** Ends a hash. The length keeps a name apart from the same one with zeros behind it. */
export function hashEnd(hash: number, bytes: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 16) ^ bytes, first);
  return mixed ^ (mixed >>> 15);
}

export function hashName(view: DataView, at: number, bytes: number): number {
  let hash = seed;
  const whole = bytes & ~3;
  for (let done = 0; done < whole; done += 4) hash = hashWord(hash, view.getInt32(at + done, true));
  const left = bytes & 3;
  if (left > 0) hash = hashWord(hash, view.getInt32(at + whole, true) & ((1 << (left * 8)) - 1));
  return hashEnd(hash, bytes);
}

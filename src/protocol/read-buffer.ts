/**
 * The memory that holds lines while they are parsed. The socket thread has one: every socket reads into its chunk,
 * and each read is served before the next.
 *
 * ```
 *  0          512         start                      chunkAt                 chunkAt + chunkBytes
 *  | decoded  | bytes received before →                 | ← the bytes just read | slack
 * ```
 *
 * A line may begin in bytes received earlier; these are copied to just before the chunk, so that every line is
 * contiguous.
 */

/** Where strings with escapes are decoded: each that can be in one line has a place, and one is for all others. */
export const DecodedAt = { user: 0, from: 128, to: 256, id: 384, other: 448 } as const;
const DECODED_BYTES = 512;
/** Bytes that may be read behind the last line: the parsers read whole words. */
const SLACK_BYTES = 64;

export const NEWLINE = 0x0a;
const FIRST_READ_BYTES = 8_192;

export class ReadBuffer {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** The first place where a line may start. */
  readonly start = DECODED_BYTES;
  readonly capacity: number;
  readonly chunkAt: number;
  /** The memory that sockets read into. */
  readonly chunk: Buffer;
  /** The start of the chunk: for reads from a client that has not filled it yet. */
  readonly firstRead: Buffer;

  /** `linesBytesMax`: the most bytes that may be kept before the chunk. */
  constructor(linesBytesMax: number, chunkBytes = 0) {
    this.capacity = linesBytesMax + chunkBytes;
    this.bytes = Buffer.alloc(DECODED_BYTES + this.capacity + SLACK_BYTES);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    this.chunkAt = this.start + linesBytesMax;
    this.chunk = this.bytes.subarray(this.chunkAt, this.chunkAt + chunkBytes);
    this.firstRead = this.chunk.subarray(0, FIRST_READ_BYTES);
  }

  /** Whether a line ends within the first `bytes` bytes of the chunk. */
  hasLineEnd(bytes: number): boolean {
    const end = this.chunkAt + bytes;
    this.bytes[end] = NEWLINE;
    return this.bytes.indexOf(NEWLINE, this.chunkAt) < end;
  }
}

/**
 * The memory in which lines lie while they are parsed. One serves the whole socket thread: every socket reads into
 * its chunk, and each read is served before the next.
 *
 * ```
 *  0          256         start                      chunkAt                 chunkAt + chunkBytes
 *  | decoded  | bytes received before →                 | ← the bytes just read | slack
 * ```
 *
 * A line may begin in bytes that were received before: they are copied to just before the chunk, so that every line
 * is in one piece.
 */

/** Names and keys with escapes are decoded into the first bytes. */
export const DECODED_AT = 0;
export const DECODED_BYTES = 256;
/** Bytes that may be read behind the last line: the parsers look at whole words. */
const SLACK_BYTES = 64;

export const NEWLINE = 0x0a;
const FIRST_READ_BYTES = 8_192;

export class ReadBuffer {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Where lines may start. */
  readonly start = DECODED_BYTES;
  readonly capacity: number;
  readonly chunkAt: number;
  /** Where sockets read into. */
  readonly chunk: Buffer;
  /** The start of the chunk: as much as is read from a client that has not sent much yet. */
  readonly firstRead: Buffer;

  /** `linesBytesMax`: what may lie before the chunk. */
  constructor(linesBytesMax: number, chunkBytes = 0) {
    this.capacity = linesBytesMax + chunkBytes;
    this.bytes = Buffer.alloc(DECODED_BYTES + this.capacity + SLACK_BYTES);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    this.chunkAt = this.start + linesBytesMax;
    this.chunk = this.bytes.subarray(this.chunkAt, this.chunkAt + chunkBytes);
    this.firstRead = this.chunk.subarray(0, FIRST_READ_BYTES);
  }

  /** Whether a line ends within so many bytes of the chunk. */
  hasLineEnd(bytes: number): boolean {
    const end = this.chunkAt + bytes;
    this.bytes[end] = NEWLINE;
    return this.bytes.indexOf(NEWLINE, this.chunkAt) < end;
  }
}

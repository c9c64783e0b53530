/**
 * Makes lines of the bytes of one client, wherever the packets were cut.
 *
 * `lay` puts the bytes kept from earlier reads and the bytes just read into the read buffer, contiguous from `at` to
 * `end`. The dispatch serves lines and moves `at` forward. `keepRest` then keeps the unserved bytes. The framer also
 * knows which bytes to skip, because their line was too long, and which are still served while the server drains.
 */
import { isHttpRequest } from '../protocol/http-request.ts';
import { NEWLINE, type ReadBuffer } from '../protocol/read-buffer.ts';
import { type BlockPool, InputBuffer } from './input-buffer.ts';

export class Framer {
  readonly #buffer: ReadBuffer;
  readonly #limits: { readonly lineBytesMax: number };
  readonly #input: InputBuffer;
  /** The input may hold complete lines that wait to be served; otherwise it is only the start of a line. */
  hasLines = false;
  /** The current line was too long and was answered: its bytes are dropped up to its end. */
  isSkipping = false;
  /** The first line was a request of HTTP: nothing behind it is served. */
  isHttp = false;
  /** While draining: the bytes that were received before it began, and are still to be served. */
  grantedBytes = 0;
  /** In the read buffer: the start of the next line to serve, and the end of the bytes laid. */
  at = 0;
  end = 0;
  #laidAt = 0;
  /** No line has been served or skipped yet. */
  #isFirst = true;

  constructor(buffer: ReadBuffer, limits: { readonly lineBytesMax: number }, pool: BlockPool) {
    this.#buffer = buffer;
    this.#limits = limits;
    this.#input = new InputBuffer(pool);
  }

  /** All bytes received so far will be served. */
  grantAll(): void {
    this.grantedBytes = this.#input.bytes;
  }

  /** The number of received bytes that are not served yet. */
  get inputBytes(): number {
    return this.#input.bytes;
  }

  /** A line has begun, and has not ended yet. */
  get isWithinLine(): boolean {
    return this.#input.bytes > 0 || this.isSkipping;
  }

  /** All of the first `bytes` bytes of the chunk are thrown away, so they need not wait for a turn. */
  skipsAll(bytes: number): boolean {
    return this.isSkipping && !this.hasLines && !this.#buffer.hasLineEnd(bytes);
  }

  /** Keeps the first `bytes` bytes of the chunk for later. */
  keep(bytes: number): void {
    this.#input.append(this.#buffer.chunk.subarray(0, bytes));
    this.hasLines = true;
  }

  /**
   * Takes the first `bytes` bytes of the chunk if they continue a line begun earlier, do not end it and leave it
   * within the limit. Only the new bytes are searched, so a line that arrives byte by byte takes linear time.
   */
  takesMore(bytes: number): boolean {
    if (bytes === 0 || this.#input.bytes === 0) return false;
    if (this.#input.bytes + bytes > this.#limits.lineBytesMax || this.#buffer.hasLineEnd(bytes)) return false;
    this.#input.append(this.#buffer.chunk.subarray(0, bytes));
    return true;
  }

  /** Lays the input before the first `bytes` bytes of the chunk; moves `at` behind a line that is being skipped. */
  lay(bytes: number): void {
    const { chunkAt } = this.#buffer;
    this.#laidAt = chunkAt - this.#input.bytes;
    this.end = chunkAt + bytes;
    // A sentinel: every search for a line end stops here.
    this.#buffer.bytes[this.end] = NEWLINE;
    if (this.#input.bytes > 0) this.#input.moveTo(this.#buffer.bytes, this.#laidAt);
    this.at = this.isSkipping ? this.#behindSkipped() : this.#laidAt;
    this.hasLines = false;
  }

  /** Whether the line that ends before `lineEnd` was received before the server began to drain. */
  isGranted(lineEnd: number): boolean {
    return lineEnd <= this.#laidAt + this.grantedBytes;
  }

  /** The number of bytes laid. */
  get laidBytes(): number {
    return this.end - this.#laidAt;
  }

  /** The rest of the bytes laid is the start of a line that exceeds the limit. */
  get isTooLong(): boolean {
    return !this.hasLines && this.end - this.at > this.#limits.lineBytesMax;
  }

  /** The line from `at` to `lineEnd` was refused: if it is the first, notes whether it is a request of HTTP. */
  noteHttp(at: number, lineEnd: number): void {
    if (this.#isFirst && at === this.#laidAt)
      this.isHttp = isHttpRequest(this.#buffer.bytes, at, lineEnd, this.#limits.lineBytesMax);
  }

  /** A line among the bytes laid has ended. */
  get hasEndedLine(): boolean {
    return this.at > this.#laidAt && !this.isSkipping;
  }

  /** Keeps the bytes from `at` on. */
  keepRest(): void {
    if (this.at < this.end) this.#input.append(this.#buffer.bytes.subarray(this.at, this.end));
    this.grantedBytes = Math.max(0, this.grantedBytes - (this.at - this.#laidAt));
    if (this.at > this.#laidAt) this.#isFirst = false;
  }

  /** Skips the line at the end of the bytes laid: drops the bytes received of it, and those to come. */
  skipLine(): void {
    this.noteHttp(this.at, this.end);
    this.at = this.end;
    this.isSkipping = true;
  }

  /** Drops all input. */
  clear(): void {
    this.#input.clear();
    this.hasLines = false;
  }

  /** The start of the line after the skipped one, if that ends in the bytes laid; otherwise `end`. */
  #behindSkipped(): number {
    const lineEnd = this.#buffer.bytes.indexOf(NEWLINE, this.#laidAt);
    if (lineEnd === this.end) return this.end;
    this.isSkipping = false;
    return lineEnd + 1;
  }
}

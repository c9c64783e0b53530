/**
 * The bytes of one client as lines, however the packets were cut.
 *
 * It lays what was received before, and the bytes just read, in one piece into the read buffer (`lay`), from `at` to
 * `end`; whoever serves the lines moves `at` forward; then it keeps what was not served (`keepRest`). It knows which
 * bytes are skipped, because their line was too long, and which are still served while the server drains.
 */
import { NEWLINE, type ReadBuffer } from '../protocol/read-buffer.ts';
import { type BlockPool, InputBuffer } from './input-buffer.ts';

export class Framer {
  readonly #buffer: ReadBuffer;
  readonly #limits: { readonly lineBytesMax: number };
  readonly #input: InputBuffer;
  /** Lines were received that wait to be served: the input is more than the start of a line. */
  hasLines = false;
  /** The line under way was too long and was answered: its bytes are dropped up to its end. */
  isSkipping = false;
  /** While draining: bytes that had been received when it began, and are still served. */
  grantedBytes = 0;
  /** Where the next line to serve starts, and the end of what was laid, in the read buffer. */
  at = 0;
  end = 0;
  #laidAt = 0;

  constructor(buffer: ReadBuffer, limits: { readonly lineBytesMax: number }, pool: BlockPool) {
    this.#buffer = buffer;
    this.#limits = limits;
    this.#input = new InputBuffer(pool);
  }

  /** All that has been received by now is still served. */
  grantAll(): void {
    this.grantedBytes = this.#input.bytes;
  }

  /** Bytes were received that are not served yet. */
  get hasInput(): boolean {
    return this.#input.bytes > 0;
  }

  /** A line has begun, and has not ended yet. */
  get isWithinLine(): boolean {
    return this.#input.bytes > 0 || this.isSkipping;
  }

  /** All of the first `bytes` bytes of the chunk are thrown away, so they need not wait for a turn. */
  skipsAll(bytes: number): boolean {
    return this.isSkipping && !this.#buffer.hasLineEnd(bytes);
  }

  /** Keeps so many bytes of the chunk for later. */
  keep(bytes: number): void {
    this.#input.append(this.#buffer.chunk.subarray(0, bytes));
    this.hasLines = true;
  }

  /**
   * Takes so many bytes of the chunk if they belong to a line that had begun before, and do not end it. Only the new
   * bytes are looked at, so a line that comes byte by byte costs no more than any other.
   */
  takesMore(bytes: number): boolean {
    if (bytes === 0 || this.#input.bytes === 0 || this.#buffer.hasLineEnd(bytes)) return false;
    this.#input.append(this.#buffer.chunk.subarray(0, bytes));
    return true;
  }

  /** The line under way is longer than it may be. */
  get isTooLong(): boolean {
    return !this.hasLines && this.#input.bytes > this.#limits.lineBytesMax;
  }

  /** Lays the input, and so many bytes of the chunk behind it; moves `at` behind a line that is skipped. */
  lay(bytes: number): void {
    const { chunkAt } = this.#buffer;
    this.#laidAt = chunkAt - this.#input.bytes;
    this.end = chunkAt + bytes;
    // Ends every search for a line end.
    this.#buffer.bytes[this.end] = NEWLINE;
    if (this.#input.bytes > 0) this.#input.moveTo(this.#buffer.bytes, this.#laidAt);
    this.at = this.isSkipping ? this.#behindSkipped() : this.#laidAt;
    this.hasLines = false;
  }

  /** Whether a line that ends at `lineEnd` (the byte behind it) was received before the server began to drain. */
  isGranted(lineEnd: number): boolean {
    return lineEnd <= this.#laidAt + this.grantedBytes;
  }

  /** What was laid, in bytes. */
  get laidBytes(): number {
    return this.end - this.#laidAt;
  }

  /** A line that was laid has ended. */
  get hasEndedLine(): boolean {
    return this.at > this.#laidAt && !this.isSkipping;
  }

  /** Keeps what is behind `at`. */
  keepRest(): void {
    if (this.at < this.end) this.#input.append(this.#buffer.bytes.subarray(this.at, this.end));
    this.grantedBytes = Math.max(0, this.grantedBytes - (this.at - this.#laidAt));
  }

  /** Skips the line under way; what was received of it goes. */
  skipLine(): void {
    this.#input.clear();
    // All that was received is part of it, or before it.
    this.grantedBytes = 0;
    this.isSkipping = true;
  }

  /** Nothing is served any more. */
  clear(): void {
    this.#input.clear();
    this.hasLines = false;
  }

  /** Where the line behind the skipped one starts, if that ends here; otherwise the end. */
  #behindSkipped(): number {
    const lineEnd = this.#buffer.bytes.indexOf(NEWLINE, this.#laidAt);
    if (lineEnd === this.end) return this.end;
    this.isSkipping = false;
    return lineEnd + 1;
  }
}

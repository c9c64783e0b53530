/**
 * The server's end of a connection whose other end and whose network are moved by hand: what the client sends comes
 * when the stream reads, in chunks as they were sent, and what the server writes is taken while the client reads. (A
 * real stream, so pausing, filing, draining and ending are Node's own; only the system's buffers are missing.)
 */
import { Duplex } from 'node:stream';

/** The most that one read of a socket brings. */
const CHUNK_BYTES_MAX = 65_536;

export class HandSocket extends Duplex {
  /** All that the client has read. */
  said = '';
  /** The server has ended its side, and the client has read all before that. */
  hasEnded = false;
  /** As a real socket's: gone with the peer. */
  remoteAddress: string | undefined = '127.0.0.1';
  /** Bytes that have come to the server's end. */
  arrivedBytes = 0;
  #isReading = true;
  /** Sent, and not read by the server yet; null is the client's end. */
  readonly #coming: (Buffer | null)[] = [];
  #wantsMore = false;
  /** What the client has not taken, and how to say that it has. */
  #unread: (() => void) | undefined;

  constructor() {
    super({ allowHalfOpen: true, highWaterMark: 16_384 });
  }

  /** The client sends; what is sent at once may come in several chunks, but never two sends in one. */
  clientSends(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES_MAX)
      this.#coming.push(bytes.subarray(at, at + CHUNK_BYTES_MAX));
    this.#bring();
  }

  /** The client shuts down its sending side. */
  clientEnds(): void {
    this.#coming.push(null);
    this.#bring();
  }

  /** A reset may be reported as an end, when it finds input that was not read; but there is no peer any more. */
  clientResets(isReportedAsEnd = false): void {
    this.remoteAddress = undefined;
    if (isReportedAsEnd) this.clientEnds();
    else this.destroy(new Error('read ECONNRESET'));
  }

  clientPauses(): void {
    this.#isReading = false;
  }

  clientReads(): void {
    this.#isReading = true;
    const take = this.#unread;
    this.#unread = undefined;
    take?.();
  }

  /** All that was sent has come. */
  get isAllThere(): boolean {
    return this.#coming.length === 0;
  }

  override _read(): void {
    // As a real one: what comes, comes later.
    setImmediate(() => {
      this.#wantsMore = true;
      this.#bring();
    });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#take(() => {
      this.said += chunk.toString('latin1');
      done();
    });
  }

  override _final(done: () => void): void {
    this.#take(() => {
      this.hasEnded = true;
      done();
    });
  }

  #take(take: () => void): void {
    if (this.#isReading) take();
    else this.#unread = take;
  }

  #bring(): void {
    while (this.#wantsMore && !this.destroyed && this.#coming.length > 0) {
      const chunk = this.#coming.shift()!;
      this.arrivedBytes += chunk?.length ?? 0;
      this.#wantsMore = this.push(chunk);
      // As net does at the end.
      if (chunk === null) this.read(0);
    }
  }
}

/**
 * The server's end of a connection whose other end and whose network are moved by hand: what the client sends comes
 * when the server reads, in chunks as they were sent, and what the server writes is taken while the client reads.
 */
import { HandReading } from './hand-reading.ts';

export class HandSocket extends HandReading {
  /** All that the client has read. */
  said = '';
  /** The server has ended its side, and the client has read all before that. */
  hasEnded = false;
  /** As a real socket's: gone with the peer. */
  remoteAddress: string | undefined = '127.0.0.1';
  #isClientReading = true;
  /** What the client has not taken, and how to say that it has. */
  #unread: (() => void) | undefined;

  constructor() {
    super({ allowHalfOpen: true, highWaterMark: 16_384 });
  }

  setKeepAlive(): this {
    return this;
  }

  /** The client sends; what is sent at once may come in several chunks, but never two sends in one. */
  clientSends(bytes: Buffer): void {
    this.comes(bytes);
  }

  /** The client shuts down its sending side. */
  clientEnds(): void {
    this.comes(null);
  }

  /** A reset may be reported as an end, when it finds input that was not read; but there is no peer any more. */
  clientResets(isReportedAsEnd = false): void {
    this.remoteAddress = undefined;
    if (isReportedAsEnd) this.clientEnds();
    else this.destroy(new Error('read ECONNRESET'));
  }

  clientPauses(): void {
    this.#isClientReading = false;
  }

  clientReads(): void {
    this.#isClientReading = true;
    const take = this.#unread;
    this.#unread = undefined;
    take?.();
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
    if (this.#isClientReading) take();
    else this.#unread = take;
  }
}

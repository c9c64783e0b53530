/**
 * Makes reply lines of chunks; one reader a connection. It passes runs of equal verdicts to its sink, in order. The
 * network may cut replies anywhere; a run of the usual reply is compared with a prepared buffer in one call.
 */
import type { ReplyJudge } from './protocols.ts';
import { MORE, OTHER, verdictNumber } from './verdicts.ts';

export interface ReplySink {
  /** The next `count` replies have this verdict. */
  take(verdict: number, count: number): void;
  /** The next reply is none of the protocol's. */
  takeOther(line: Buffer): void;
}

const PAGE_BYTES = 1 << 16;
/** Below this, comparing in JavaScript is faster than a call out of it. */
const RUN_MIN = 4;
/** A longer reply is invalid. */
export const REPLY_BYTES_MAX = 1 << 16;

/** The usual reply, as often as fits in a chunk. One for each judge: made once a thread. */
export function pageOf(judge: ReplyJudge): Buffer {
  const usual = judge.usual?.bytes ?? Buffer.alloc(0);
  return usual.length === 0
    ? usual
    : Buffer.alloc(Math.ceil(PAGE_BYTES / usual.length) * usual.length, usual);
}

export class ReplyReader {
  readonly #judge: ReplyJudge;
  readonly #page: Buffer;
  readonly #usualBytes: number;
  readonly #sink: ReplySink;
  /** The next line is the second one of a reply. */
  #isSecond = false;
  /** The start of a reply whose end has not come. */
  #rest: Buffer | undefined;

  constructor(judge: ReplyJudge, page: Buffer, sink: ReplySink) {
    this.#judge = judge;
    this.#page = page;
    this.#usualBytes = judge.usual?.bytes.length ?? 0;
    this.#sink = sink;
  }

  /** Takes a chunk. The bytes are the caller's again when this returns. */
  read(chunk: Buffer, length: number): void {
    let at = this.#rest === undefined ? 0 : this.#finishRest(chunk, length);
    at = this.#takeUsual(chunk, at, length);
    // Runs are told as one, because what follows costs more than a look at a line.
    let run = OTHER;
    let count = 0;
    while (at < length) {
      let end = at;
      while (end < length && chunk[end] !== 10) end++;
      if (end === length) break;
      const verdict = this.#judgeLine(chunk, at, end);
      if (verdict === run) count++;
      else if (verdict !== MORE) {
        if (count > 0) this.#sink.take(run, count);
        run = verdict;
        count = verdict === OTHER ? 0 : 1;
      }
      if (verdict === OTHER) {
        count = 0;
        this.#sink.takeOther(chunk.subarray(at, end));
      }
      at = end + 1;
    }
    if (count > 0) this.#sink.take(run, count);
    if (at < length) this.#keep(chunk.subarray(at, length));
  }

  /** As many of the usual reply as the chunk starts with, if they are all there is or nearly so. */
  #takeUsual(chunk: Buffer, at: number, length: number): number {
    const usual = this.#usualBytes;
    if (usual === 0) return at;
    const count = Math.floor((length - at) / usual);
    const bytes = count * usual;
    if (count < RUN_MIN || bytes > this.#page.length) return at;
    if (chunk.compare(this.#page, 0, bytes, at, at + bytes) !== 0) return at;
    this.#sink.take(this.#judge.usual!.verdict, count);
    return at + bytes;
  }

  /** What a reply is that has two lines, the first says; the other one is not looked at. */
  #judgeLine(bytes: Buffer, start: number, end: number): number {
    if (this.#isSecond) {
      this.#isSecond = false;
      return verdictNumber.ok;
    }
    const verdict = this.#judge.judge(bytes, start, end);
    this.#isSecond = verdict === MORE;
    return verdict;
  }

  /** Where the next reply starts. */
  #finishRest(chunk: Buffer, length: number): number {
    const end = chunk.subarray(0, length).indexOf(10);
    if (end < 0) {
      this.#keep(chunk.subarray(0, length));
      return length;
    }
    const line = Buffer.concat([this.#rest!, chunk.subarray(0, end)]);
    this.#rest = undefined;
    const verdict = this.#judgeLine(line, 0, line.length);
    if (verdict === OTHER) this.#sink.takeOther(line);
    else if (verdict !== MORE) this.#sink.take(verdict, 1);
    return end + 1;
  }

  #keep(bytes: Buffer): void {
    this.#rest = this.#rest === undefined ? Buffer.from(bytes) : Buffer.concat([this.#rest, bytes]);
    if (this.#rest.length <= REPLY_BYTES_MAX) return;
    this.#sink.takeOther(this.#rest);
    this.#rest = undefined;
  }
}

/**
 * One client of a load run: which lines it has sent, which are under way and since when, and what came back.
 *
 * It sends the lines of the script cyclically, from its own starting line on. Lines that leave together form a batch,
 * with one time; replies arrive in order, so they are matched with batches by counting.
 */
import { connect, type Socket } from 'node:net';
import { quoteIfNeeded } from '../../cli/terminal/quoting.ts';
import { type ReplyJudge, verdictNumber } from './protocols.ts';
import { ReplyReader } from './replies.ts';
import { VERDICTS } from './result.ts';
import { Kind, type Script } from './script.ts';

/** What all connections of a thread share. */
export interface Ledger {
  script: Script;
  /** By line of the script: how often it was accepted, as the difference to the line before. */
  accepted: Int32Array;
  /** The same for lines that were sent and not answered. */
  unanswered: Int32Array;
}

/** Is notified by a connection. */
export interface ConnectionEvents {
  /** Replies of one batch: when the lines should have left, and when they did. */
  onReplies(verdict: number, count: number, dueMs: number, sentMs: number): void;
  /** A chunk has come: the time of all replies in it. */
  onChunk(): void;
  /** The chunk is done: there may be room for more lines. */
  onRoom(connection: LoadConnection): void;
  onLost(connection: LoadConnection, why: string): void;
  /** A reply that can't be right. */
  onWrong(connection: LoadConnection, what: string): void;
}

/** By kind of line: the verdicts it may have, as bits. */
const ALLOWED: number[] = [];
const bits = (...verdicts: (typeof VERDICTS)[number][]) =>
  verdicts.reduce((sum, verdict) => sum | (1 << verdictNumber[verdict]), 0);
ALLOWED[Kind.event] = bits(...VERDICTS);
ALLOWED[Kind.wait] = bits('ok', 'busy', 'refused', 'error', 'echoed');
ALLOWED[Kind.balance] = ALLOWED[Kind.wait]!;
ALLOWED[Kind.metrics] = ALLOWED[Kind.wait]!;
ALLOWED[Kind.health] = ALLOWED[Kind.wait]!;
ALLOWED[Kind.garbage] = bits('error', 'echoed');

export class LoadConnection {
  readonly socket: Socket;
  /** Its place among the connections of its thread. */
  readonly index: number;
  /** Lines under way. */
  underWay = 0;
  isLost = false;
  /** Open loop: lines that should have left by now, and lines that have. */
  due = 0;
  sent = 0;
  /** The lines this connection is to send when it is next looked at (open loop). */
  isListed = false;

  readonly #ledger: Ledger;
  readonly #events: ConnectionEvents;
  readonly #reader: ReplyReader;
  /** Lines of the script: next to send, next to be answered. */
  #sendAt: number;
  #readAt: number;
  /** The batches under way, in a ring: each has a time and a number of lines. */
  readonly #batchMask: number;
  readonly #dueMs: Float64Array;
  readonly #sentMs: Float64Array;
  readonly #counts: Uint32Array;
  #firstBatch = 0;
  #endBatch = 0;
  #isEnding = false;
  /** Lines that were sent before, on a connection that was lost. */
  #sentBefore = 0;

  constructor(
    index: number,
    address: { host: string; port: number },
    chunk: Buffer,
    judge: ReplyJudge,
    page: Buffer,
    ledger: Ledger,
    firstLine: number,
    pipeline: number,
    events: ConnectionEvents,
  ) {
    this.index = index;
    this.#ledger = ledger;
    this.#events = events;
    this.#sendAt = firstLine;
    this.#readAt = firstLine;
    const batches = 2 ** Math.ceil(Math.log2(pipeline + 1));
    this.#batchMask = batches - 1;
    this.#dueMs = new Float64Array(batches);
    this.#sentMs = new Float64Array(batches);
    this.#counts = new Uint32Array(batches);
    this.#reader = new ReplyReader(judge, page, {
      take: (verdict, count) => this.#take(verdict, count),
      takeOther: line => this.#takeOther(line),
    });
    this.socket = connect({
      ...address,
      noDelay: true,
      // All connections of a thread read into the same chunk: each is done with it before the next one reads.
      onread: {
        buffer: chunk,
        callback: length => {
          this.#events.onChunk();
          this.#reader.read(chunk, length);
          if (!this.isLost) this.#events.onRoom(this);
          return true;
        },
      },
    });
  }

  /** From here on the connection's end is the run's matter. */
  watch(): void {
    this.socket.on('error', error => this.#lose(describe(error)));
    this.socket.on('end', () => this.#lose('the server closed a connection'));
    this.socket.on('close', () => this.#lose('the server closed a connection'));
  }

  /** The line of the script that it would send next. */
  get nextLine(): number {
    return this.#sendAt;
  }

  /** Whether there was a reply. */
  get isAnswered(): boolean {
    return this.sent - this.#sentBefore > this.underWay;
  }

  /** Takes over the counts of the one that it replaces. */
  continue(lost: LoadConnection): void {
    this.due = lost.due;
    this.sent = lost.sent;
    this.#sentBefore = lost.sent;
  }

  /** Sends the next `count` lines of the script. */
  send(count: number, nowMs: number): void {
    this.#note(nowMs, nowMs, count);
    this.#write(count);
  }

  /** Sends as many of the lines that are due as may be under way; `dueMsOf` says when one was due. */
  sendDue(room: number, nowMs: number, dueMsOf: (line: number) => number): number {
    const count = Math.min(room, this.due - this.sent);
    const end = this.sent + count;
    while (this.sent < end) this.#note(dueMsOf(this.sent), nowMs, 1);
    this.#write(count);
    return count;
  }

  /** Ends the sending side. The server may still answer the lines under way, and close. */
  end(): void {
    this.#isEnding = true;
    this.socket.end();
  }

  /** Closes at once; what is under way stays unanswered. */
  destroy(): void {
    this.#isEnding = true;
    this.#giveUp();
    this.socket.destroy();
  }

  /** Lines under way that should have left at `fromMs` or later. */
  underWaySince(fromMs: number): number {
    let lines = 0;
    for (let batch = this.#firstBatch; batch !== this.#endBatch; batch++) {
      const at = batch & this.#batchMask;
      if (this.#dueMs[at]! >= fromMs) lines += this.#counts[at]!;
    }
    return lines;
  }

  #note(dueMs: number, sentMs: number, count: number): void {
    const at = this.#endBatch++ & this.#batchMask;
    this.#dueMs[at] = dueMs;
    this.#sentMs[at] = sentMs;
    this.#counts[at] = count;
    this.underWay += count;
    this.sent += count;
  }

  #write(count: number): void {
    const { bytes, starts, lines } = this.#ledger.script;
    let left = count;
    while (left > 0) {
      const end = Math.min(lines, this.#sendAt + left);
      this.socket.write(bytes.subarray(starts[this.#sendAt]!, starts[end]!));
      left -= end - this.#sendAt;
      this.#sendAt = end === lines ? 0 : end;
    }
  }

  #take(verdict: number, count: number): void {
    if (this.isLost) return;
    const right = this.#countRight(verdict, Math.min(count, this.underWay));
    this.#settle(verdict, right);
    if (right === count) return;
    // With no line under way, what is refused is the connection.
    if (this.underWay === 0 && verdict === verdictNumber.refused)
      this.#lose('the server refused a connection');
    else if (this.underWay === 0) this.#complain('a reply that nobody asked for');
    else this.#complain(`"${VERDICTS[verdict]}" in reply to ${this.#lineText(this.#readAt)}`);
  }

  /** Reports replies to the lines that have waited longest. */
  #settle(verdict: number, count: number): void {
    this.underWay -= count;
    let left = count;
    while (left > 0) {
      const at = this.#firstBatch & this.#batchMask;
      const part = Math.min(left, this.#counts[at]!);
      this.#events.onReplies(verdict, part, this.#dueMs[at]!, this.#sentMs[at]!);
      this.#counts[at]! -= part;
      if (this.#counts[at] === 0) this.#firstBatch++;
      left -= part;
    }
  }

  /** How many of these replies can be to the lines that are next; counts what was accepted. */
  #countRight(verdict: number, count: number): number {
    const { script, accepted } = this.#ledger;
    const isAccepted = verdict <= verdictNumber.ok;
    if (script.eventsOnly) {
      if (isAccepted) this.#addUp(accepted, this.#readAt, count);
      this.#readAt = (this.#readAt + count) % script.lines;
      return count;
    }
    for (let index = 0; index < count; index++) {
      const kind = script.kinds[this.#readAt]!;
      if ((ALLOWED[kind]! & (1 << verdict)) === 0) return index;
      if (isAccepted && kind <= Kind.wait) this.#addUp(accepted, this.#readAt, 1);
      this.#readAt = this.#readAt + 1 === script.lines ? 0 : this.#readAt + 1;
    }
    return count;
  }

  /** The first two steps send the line back; anything else is wrong. */
  #takeOther(line: Buffer): void {
    if (this.isLost) return;
    const { bytes, starts } = this.#ledger.script;
    const start = starts[this.#readAt]!;
    const end = starts[this.#readAt + 1]! - 1;
    const isEcho = line.length === end - start && line.compare(bytes, start, end) === 0;
    if (this.underWay === 0) this.#complain(`a reply that nobody asked for: ${quote(line)}`);
    else if (isEcho) this.#take(verdictNumber.echoed, 1);
    else this.#complain(`${quote(line)} in reply to ${this.#lineText(this.#readAt)}`);
  }

  #complain(what: string): void {
    this.destroy();
    this.#events.onWrong(this, `the server sent ${what}`);
  }

  #lose(why: string): void {
    if (this.isLost || (this.#isEnding && this.underWay === 0)) return;
    this.#giveUp();
    this.socket.destroy();
    if (!this.#isEnding) this.#events.onLost(this, why);
  }

  /** Counts the lines under way as unanswered. */
  #giveUp(): void {
    if (this.isLost) return;
    this.isLost = true;
    this.#addUp(this.#ledger.unanswered, this.#readAt, this.underWay);
  }

  /** Adds one to each of `count` lines from `first` on. */
  #addUp(differences: Int32Array, first: number, count: number): void {
    const { lines } = this.#ledger.script;
    let left = count;
    let at = first;
    while (left > 0) {
      const end = Math.min(lines, at + left);
      differences[at]! += 1;
      differences[end]! -= 1;
      left -= end - at;
      at = 0;
    }
  }

  #lineText(line: number): string {
    const { bytes, starts } = this.#ledger.script;
    return quote(bytes.subarray(starts[line]!, starts[line + 1]! - 1));
  }
}

const QUOTED_MAX = 120;

/** Bytes as a person can read them, cut to a sensible length. */
function quote(bytes: Buffer): string {
  const text = bytes.subarray(0, QUOTED_MAX).toString().trimEnd();
  if (text === '') return 'an empty line';
  return quoteIfNeeded(text, QUOTED_MAX) + (bytes.length > QUOTED_MAX ? '…' : '');
}

function describe(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ECONNRESET':
    case 'EPIPE':
      return 'the server reset a connection';
    default:
      return `a connection failed: ${error.message}`;
  }
}

/**
 * One client of a load run: which lines it has sent, and what came back.
 *
 * It sends the lines of the script cyclically, from its own starting line on. A line is known by its number among all
 * that the client has sent, and so is its place in the script.
 *
 * With ids, what had no reply when a connection was lost is sent again by the next one, until it is decided. Of such a
 * line a refusal that leaves no trace says only that *this* copy was not taken: it is sent again, after a pause.
 */
import type { Socket } from 'node:net';
import { quoteIfNeeded } from '../../cli/terminal/quoting.ts';
import type { Credentials } from '../harness/credentials.ts';
import type { IdWriter } from './event-ids.ts';
import { movesMoney } from './kinds.ts';
import type { Ledger } from './ledger.ts';
import type { ReplyJudge } from './protocols.ts';
import { ReplyReader } from './replies.ts';
import { VERDICTS } from './result.ts';
import { type Batch, UnderWay } from './under-way.ts';
import { isDecided, mayHave, NOT_TAKEN, verdictNumber } from './verdicts.ts';
import { openWire } from './wire.ts';

/** Is notified by a connection. */
export interface ConnectionEvents {
  /** Replies of one batch: when the lines should have left, and when they did. */
  onReplies(verdict: number, count: number, dueMs: number, sentMs: number): void;
  /** A chunk has come: the time of all replies in it. */
  onChunk(): void;
  /** The chunk is done: there may be room for more lines. */
  onRoom(connection: LoadConnection): void;
  /** Lines were sent again that should have left at `dueMs`. */
  onAgain(count: number, dueMs: number): void;
  onLost(connection: LoadConnection, why: string): void;
  /** A reply that can't be right. */
  onWrong(connection: LoadConnection, what: string): void;
}

/** What all connections of a thread share. */
export interface Shared {
  address: { host: string; port: number };
  credentials: Credentials;
  /** They read into the same chunk: each is done with it before the next one reads. */
  chunk: Buffer;
  judge: ReplyJudge;
  page: Buffer;
  ledger: Ledger;
  pipeline: number;
  events: ConnectionEvents;
}

/** Before a line that is not decided, though it has a reply, is sent once more. */
const AGAIN_MS = 50;

export class LoadConnection {
  readonly socket: Socket;
  /** Rejects if it can't be opened. */
  readonly opened: Promise<void>;
  /** Its place among the connections of its thread. */
  readonly index: number;
  isLost = false;
  /** Open loop: lines that should have left by now, and lines that have, connections before it included. */
  due = 0;
  sent = 0;
  /** The lines this connection is to send when it is next looked at (open loop). */
  isListed = false;

  readonly #ledger: Ledger;
  readonly #events: ConnectionEvents;
  readonly #reader: ReplyReader;
  /** Undefined: lines are sent as they are, and once. */
  readonly #ids: IdWriter | undefined;
  /** Of the script: number 0. */
  readonly #firstLine: number;
  readonly #underWay: UnderWay;
  /** With ids: to be sent again. */
  #undecided: Batch[] = [];
  #undecidedLines = 0;
  #again: NodeJS.Timeout | undefined;
  #isEnding = false;
  #isGivenUp = false;
  /** Lines that were decided before, on a connection that was lost. */
  #decidedBefore = 0;

  constructor(index: number, firstLine: number, ids: IdWriter | undefined, shared: Shared) {
    const { address, credentials, chunk, judge, page, ledger, pipeline, events } = shared;
    this.index = index;
    this.#firstLine = firstLine;
    this.#ids = ids;
    this.#ledger = ledger;
    this.#events = events;
    this.#underWay = new UnderWay(pipeline);
    this.#reader = new ReplyReader(judge, page, {
      take: (verdict, count) => this.#take(verdict, count),
      takeOther: line => this.#takeOther(line),
    });
    const wire = openWire(address, credentials, chunk, (bytes, length) => {
      this.#events.onChunk();
      this.#reader.read(bytes, length);
      if (!this.isLost) this.#events.onRoom(this);
    });
    this.socket = wire.socket;
    this.opened = wire.opened;
  }

  /** From here on the connection's end is the run's matter. */
  watch(): void {
    this.socket.on('error', error => this.#lose(describe(error)));
    this.socket.on('end', () => this.#lose('the server closed a connection'));
    this.socket.on('close', () => this.#lose('the server closed a connection'));
  }

  /** Lines that are sent and not decided. */
  get underWay(): number {
    return this.#underWay.lines + this.#undecidedLines;
  }

  /** Whether there was a reply. */
  get isAnswered(): boolean {
    return this.sent - this.#decidedBefore > this.underWay;
  }

  /** Takes over the counts of the one that it replaces. With ids, also what that had under way: it is sent again. */
  continue(lost: LoadConnection): void {
    this.due = lost.due;
    this.sent = lost.sent;
    if (this.#ids !== undefined) {
      this.#undecided = [...lost.#underWay.batches(), ...lost.#undecided];
      this.#undecidedLines = lost.underWay;
      lost.#underWay.clear();
      lost.#undecided = [];
      lost.#undecidedLines = 0;
    }
    this.#decidedBefore = this.sent - this.#undecidedLines;
    this.#sendAgain();
  }

  /** Sends the next `count` lines of the script. */
  send(count: number, nowMs: number): void {
    this.#underWay.add(this.sent, count, nowMs, nowMs, false);
    this.#write(this.sent, count);
    this.sent += count;
  }

  /** Sends as many of the lines that are due as may be under way; `dueMsOf` says when one was due. */
  sendDue(room: number, nowMs: number, dueMsOf: (line: number) => number): number {
    const count = Math.min(room, this.due - this.sent);
    const end = this.sent + count;
    for (let line = this.sent; line < end; line++) this.#underWay.add(line, 1, dueMsOf(line), nowMs, false);
    this.#write(this.sent, count);
    this.sent = end;
    return count;
  }

  /** Ends the sending side. The server may still answer the lines under way, and close. */
  end(): void {
    this.#isEnding = true;
    this.socket.end();
  }

  /** Closes at once; what is under way stays unanswered, and nothing takes it over. */
  destroy(): void {
    this.#isEnding = true;
    this.#stop();
    this.#giveUp();
    this.socket.destroy();
  }

  /** Lines under way that should have left at `fromMs` or later. */
  underWaySince(fromMs: number): number {
    return this.#undecided.reduce(
      (lines, { count, dueMs }) => lines + (dueMs >= fromMs ? count : 0),
      this.#underWay.since(fromMs),
    );
  }

  #write(number: number, count: number): void {
    const { bytes, starts, lines } = this.#ledger.script;
    let next = number;
    while (next < number + count) {
      const line = this.#lineOf(next);
      const end = Math.min(lines, line + number + count - next);
      this.socket.write(
        this.#ids?.linesWithIds(line, end, next) ?? bytes.subarray(starts[line]!, starts[end]!),
      );
      next += end - line;
    }
  }

  #sendAgain(): void {
    this.#again = undefined;
    for (const { number, count, dueMs, sentMs } of this.#undecided.splice(0)) {
      this.#underWay.add(number, count, dueMs, sentMs, true);
      this.#write(number, count);
      this.#events.onAgain(count, dueMs);
    }
    this.#undecidedLines = 0;
  }

  #take(verdict: number, count: number): void {
    let left = count;
    while (left > 0 && !this.isLost) {
      const part = Math.min(left, this.#underWay.count);
      if (part === 0) this.#takeUnasked(verdict);
      else if (this.#underWay.isAgain && !isDecided(verdict)) this.#putBack(part);
      else this.#settle(verdict === NOT_TAKEN ? verdictNumber.refused : verdict, part);
      left -= part;
    }
  }

  /** With no line under way, what is refused is the connection. */
  #takeUnasked(verdict: number): void {
    const isRefused = verdict === verdictNumber.refused || verdict === NOT_TAKEN;
    if (isRefused) this.#lose('the server refused a connection');
    else this.#complain('a reply that nobody asked for');
  }

  /** Replies to lines of the batch that has waited longest. */
  #settle(verdict: number, count: number): void {
    const { number, dueMs, sentMs } = this.#underWay;
    const right = this.#countRight(verdict, number, count);
    if (right > 0) {
      this.#underWay.take(right);
      this.#events.onReplies(verdict, right, dueMs, sentMs);
    }
    if (right < count) this.#complain(`"${VERDICTS[verdict]}" in reply to ${quote(this.#lineBytes())}`);
  }

  #putBack(count: number): void {
    const { number, dueMs, sentMs } = this.#underWay;
    this.#underWay.take(count);
    this.#undecided.push({ number, count, dueMs, sentMs, isAgain: true });
    this.#undecidedLines += count;
    this.#again ??= setTimeout(() => this.#sendAgain(), AGAIN_MS);
  }

  /** How many of these replies can be to the lines from `number` on; counts what was accepted. */
  #countRight(verdict: number, number: number, count: number): number {
    const { script, accepted } = this.#ledger;
    const isAccepted = verdict <= verdictNumber.ok;
    if (script.eventsOnly) {
      if (isAccepted) this.#addUp(accepted, number, count);
      return count;
    }
    for (let index = 0; index < count; index++) {
      const kind = script.kinds[this.#lineOf(number + index)]!;
      if (!mayHave(kind, verdict)) return index;
      if (isAccepted && movesMoney(kind)) this.#addUp(accepted, number + index, 1);
    }
    return count;
  }

  /** The first two steps send the line back; anything else is wrong. */
  #takeOther(line: Buffer): void {
    if (this.isLost) return;
    const asked = this.#underWay.lines === 0 ? undefined : this.#lineBytes();
    if (asked === undefined) this.#complain(`a reply that nobody asked for: ${quote(line)}`);
    else if (line.equals(asked)) this.#take(verdictNumber.echoed, 1);
    else this.#complain(`${quote(line)} in reply to ${quote(asked)}`);
  }

  #complain(what: string): void {
    this.destroy();
    this.#events.onWrong(this, `the server sent ${what}`);
  }

  #lose(why: string): void {
    if (this.isLost || (this.#isEnding && this.underWay === 0)) return;
    this.#stop();
    if (this.#ids === undefined) this.#giveUp();
    this.socket.destroy();
    if (!this.#isEnding) this.#events.onLost(this, why);
  }

  #stop(): void {
    this.isLost = true;
    clearTimeout(this.#again);
  }

  /** Counts the lines under way as unanswered. */
  #giveUp(): void {
    if (this.#isGivenUp) return;
    this.#isGivenUp = true;
    for (const { number, count } of [...this.#underWay.batches(), ...this.#undecided])
      this.#addUp(this.#ledger.unanswered, number, count);
  }

  /** Adds one to each of `count` lines from the one with this number on. */
  #addUp(differences: Int32Array, number: number, count: number): void {
    const { lines } = this.#ledger.script;
    let left = count;
    let at = this.#lineOf(number);
    while (left > 0) {
      const end = Math.min(lines, at + left);
      differences[at]! += 1;
      differences[end]! -= 1;
      left -= end - at;
      at = 0;
    }
  }

  /** The line of the script that the client sends as its `number`-th. */
  #lineOf(number: number): number {
    return (this.#firstLine + number) % this.#ledger.script.lines;
  }

  /** The one that waits longest for a reply, as it was sent, without its end. */
  #lineBytes(): Buffer {
    const { bytes, starts } = this.#ledger.script;
    const { number } = this.#underWay;
    const line = this.#lineOf(number);
    const sent = this.#ids?.linesWithIds(line, line + 1, number);
    return (sent ?? bytes.subarray(starts[line]!, starts[line + 1]!)).subarray(0, -1);
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

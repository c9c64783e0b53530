/**
 * One client: its bytes become lines, and its lines replies, in order, wherever the packets were cut. A *visit* serves all complete lines; its replies leave in one write, replies to large input at the end of the turn.
 * It may end early (`Stop`). Then unserved lines stay here, and nothing is read until they are served (but for little input
 * that waits for a turn): a client's memory is bounded. After every change, `advance` decides.
 */
import type { Guard } from '../guard/guard.ts';
import type { Closing } from '../metrics/snapshot.ts';
import type { Receiver, Transport } from '../net/transport.ts';
import { NEWLINE } from '../protocol/read-buffer.ts';
import type { Client } from './client-deadlines.ts';
import { Framer } from './framer.ts';
import { ReplyQueue } from './reply-queue.ts';
import { SMALL_BYTES } from './scheduler.ts';
import type { Shared } from './shared.ts';
import type { Input, Life, State, Waits } from './state.ts';
import { Visiting, visit } from './visit.ts';
import { Place } from './waiting-list.ts';

export class Session implements Receiver, Client {
  readonly #transport: Transport;
  readonly #shared: Shared;
  readonly #framer: Framer;
  readonly #replies: ReplyQueue;
  readonly #visiting: Visiting;
  #isOpened = false;
  #life: Life = 'open';
  #input: Input = 'open';
  #waits: Waits = 'nothing';
  #isPaused = false;
  readonly place = new Place<Session>(this);
  /** The first part of the chunk; after a read that filled it, all of it. So the first reads of a flood are small. */
  nextRead: Uint8Array;

  /** `guard`: if it must say who it is, or may only send so much. */
  constructor(transport: Transport, shared: Shared, guard?: Guard) {
    this.#transport = transport;
    this.#shared = shared;
    this.#framer = new Framer(shared.readBuffer, shared.settings, shared.blocks);
    this.#replies = new ReplyQueue(transport, shared.scheduler, shared.settings, this);
    this.#visiting = new Visiting(this.#framer, this.#replies, guard, shared.phase === 'serving');
    this.nextRead = shared.readBuffer.firstRead;
    shared.deadlines.idle.restart(this);
    guard?.guards({ goOn: () => this.#goOn('command'), hangUp: why => this.#hangUp(why) });
    transport.open(this);
    if (this.isUnknown) shared.deadlines.access.start(this);
  }

  get state(): State {
    return { life: this.#life, input: this.#input, waits: this.#waits };
  }

  /** The server begins to drain: lines received so far are still served. */
  startDraining(): void {
    this.#visiting.mayFastSubmit = false;
    this.#framer.grantAll();
  }

  /** While draining: all lines received before it began are served, or can't be, because the client does not read. */
  get isServed(): boolean {
    const { grantedBytes, hasLines } = this.#framer;
    // If the queue is full of replies that wait for a worker, there will be room when they leave.
    return grantedBytes === 0 || !hasLines || (this.#replies.isFull && !this.#replies.isWaiting);
  }

  /** The server ends: ready replies are written, nothing more is served. */
  end(): void {
    this.#shared.scheduler.leave(this);
    this.#waits = 'nothing';
    if (this.#life === 'open') this.#life = 'finishing';
    this.#framer.clear();
    this.#replies.writeKept();
    // Later answers of workers are dropped: a failing write after the end would cost the client its last replies.
    this.#replies.close();
    this.#transport.end();
    // Input is read and dropped: closing with unread input would reset the connection, and with it the last replies.
    this.#transport.resume();
  }

  destroy(): void {
    this.#transport.destroy();
  }

  close(why: Closing): void {
    this.#shared.clients[why] += 1;
    this.#shared.log.debug('client_closed', { why }, `closed a client: ${why}`);
    // At once: the connection may be closed some turns later.
    this.#leave();
    this.#transport.close();
  }

  get isPaused(): boolean {
    return this.#isPaused || this.#waits !== 'nothing';
  }

  get isSkipping(): boolean {
    return this.#framer.isSkipping;
  }

  opened(certificate: readonly string[]): void {
    this.#isOpened = true;
    this.#visiting.guard?.presentCertificate(certificate);
  }

  get isUnknown(): boolean {
    return !this.#isOpened || (this.#visiting.guard?.isStranger ?? false);
  }

  /** Lines may wait already: reading goes on while little input waits for a turn. */
  received(bytes: number): void {
    const { readBuffer, deadlines, lingering, scheduler, settings } = this.#shared;
    if (!this.#isLive || this.#input === 'refused') return void lingering.received(this.#transport, bytes);
    if (settings.idleMsMax > 0) deadlines.idle.restart(this);
    this.nextRead = bytes === this.nextRead.length ? readBuffer.chunk : readBuffer.firstRead;
    // After a full chunk there is probably more; it waits for the session's next turn.
    const isFull = bytes === readBuffer.chunk.length;
    if (!scheduler.mayServe(bytes) && !this.#framer.skipsAll(bytes)) {
      this.#framer.keep(bytes);
    } else {
      this.#visit(bytes);
      if (!this.#framer.hasLines && this.#replies.isEmpty && !this.#isPaused && !isFull) return;
    }
    this.advance(isFull);
  }

  drained(): void {
    this.advance();
  }

  inputEnded(isReset: boolean): void {
    this.#input = isReset ? 'reset' : 'ended';
    this.advance();
  }

  closed(): void {
    this.#leave();
    this.#visiting.guard?.leave();
    this.#shared.lingering.closed(this.#transport);
    this.#shared.gone(this);
  }

  /** Called by the scheduler for the visit that was asked for. */
  takeTurn(): void {
    if (!this.#isLive) return;
    this.#waits = 'nothing';
    const { hasLines } = this.#framer;
    if (hasLines) this.#visit(0);
    this.advance(hasLines && this.#framer.isSkipping);
  }

  /** Called after every change: reads on, waits for a turn, or waits for the client. */
  advance(mustWait = false): void {
    if (!this.#isLive) return;
    const { scheduler, deadlines } = this.#shared;
    if (this.#replies.isFull) {
      this.#pause();
      if (this.#transport.unsentBytes > 0) deadlines.blocked.start(this);
      return;
    }
    deadlines.blocked.clear(this);
    if (this.#waits === 'answers' && !this.#replies.isWaiting) this.#waits = 'nothing';
    if (this.#waits === 'turn') {
      if (this.#framer.inputBytes > SMALL_BYTES) this.#pause();
    } else if (this.#waits !== 'nothing') {
      this.#pause();
    } else if (this.#framer.hasLines || mustWait) {
      const { hasLines, isSkipping, inputBytes } = this.#framer;
      // A client that waits with little input probably sends no more, so its reading goes on.
      if (mustWait || inputBytes > SMALL_BYTES) this.#pause();
      this.#waits = 'turn';
      if (isSkipping && !hasLines) scheduler.waitLast(this);
      else scheduler.wait(this, inputBytes);
    } else if (this.#input !== 'open') {
      this.#finish();
    } else if (this.#isPaused) {
      this.#isPaused = false;
      this.#transport.resume();
    }
  }

  get #isLive(): boolean {
    return this.#life === 'open' && this.#shared.phase !== 'ending';
  }

  #pause(): void {
    if (!this.#isPaused) this.#transport.pause();
    this.#isPaused = true;
  }

  /** The client has ended its input: serves a last line without line end, and ends when all is answered. */
  #finish(): void {
    if (this.#framer.inputBytes > 0 && !this.#framer.isSkipping && this.#input === 'ended') {
      this.#shared.readBuffer.chunk[0] = NEWLINE;
      this.#visit(1);
      this.advance();
    } else if (!this.#replies.isWaiting) {
      this.#life = 'finishing';
      this.#shared.deadlines.partial.clear(this);
      this.#replies.writeKept();
      this.#transport.end();
      if (this.#input !== 'refused') return;
      this.#transport.resume();
      this.#shared.lingering.start(this.#transport);
    }
  }

  /** Cancels all that the session waits for, and drops its input and replies. */
  #leave(): void {
    this.#shared.scheduler.leave(this);
    this.#waits = 'nothing';
    this.#life = 'ended';
    this.#replies.close();
    this.#framer.clear();
    this.#shared.deadlines.clear(this);
  }

  /** Serves the input and the first `bytes` bytes of the chunk. */
  #visit(bytes: number): void {
    const { dispatch, deadlines } = this.#shared;
    const framer = this.#framer;
    if (framer.takesMore(bytes)) return;
    const wasWithinLine = framer.isWithinLine;
    const { stop, hasEndedLine } = visit(this.#shared, this.#visiting, bytes);
    if (stop !== 'end' && stop !== 'replies') this.#waits = stop;
    if (stop === 'ring') this.#shared.whenRoom(dispatch.stalledHash, () => this.#goOn('ring'));
    const { guard } = this.#visiting;
    if (framer.isHttp) this.#hangUp('closed_http');
    else if (guard?.isOver) this.#hangUp(guard.whyOver);
    else deadlines.visited(this, framer, hasEndedLine, wasWithinLine);
  }

  /** Nothing more is served; it is ended when all is answered. False if it is ending already. */
  #hangUp(why: Closing): boolean {
    if (!this.#isLive || this.#input === 'refused') return false;
    this.#shared.hungUp(why);
    this.#input = 'refused';
    this.#framer.clear();
    this.#shared.deadlines.clear(this);
    this.#shared.scheduler.leave(this);
    this.#goOn(this.#waits);
    return true;
  }

  #goOn(waited: Waits): void {
    if (this.#waits === waited) this.#waits = 'nothing';
    this.advance();
  }
}

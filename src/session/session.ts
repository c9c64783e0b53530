/**
 * One client: its bytes become lines, its lines replies, in order, however the packets were cut.
 *
 * A *visit* serves as many lines as there are; its replies leave in one write, those to large input at the end of the
 * turn. It ends early when the client has left too many replies unread, or when a balance can't be asked for because a
 * ring is full: the lines not served stay here, and nothing more is read until they are. So what a client can make the
 * server keep for it is bounded. After anything has changed, `advance` decides what the session does next.
 */
import type { Closing } from '../metrics/snapshot.ts';
import type { Receiver, Transport } from '../net/transport.ts';
import { NEWLINE } from '../protocol/read-buffer.ts';
import { Reply } from '../protocol/replies.ts';
import { Framer } from './framer.ts';
import { ReplyQueue } from './reply-queue.ts';
import { SMALL_BYTES } from './scheduler.ts';
import type { Client, Shared } from './shared.ts';
import type { Input, Life, State, Waits } from './state.ts';

export class Session implements Receiver, Client {
  readonly #transport: Transport;
  readonly #shared: Shared;
  readonly #framer: Framer;
  readonly #replies: ReplyQueue;
  #life: Life = 'open';
  #input: Input = 'open';
  #waits: Waits = 'nothing';
  #isPaused = false;
  /** Whether events in the usual form may go straight to the engine: not while the server drains. */
  #mayFastSubmit: boolean;
  /** The first part of the chunk; once that was full, all of it. So of many that flood, not all is read at once. */
  nextRead: Uint8Array;

  constructor(transport: Transport, shared: Shared) {
    this.#transport = transport;
    this.#shared = shared;
    this.#framer = new Framer(shared.readBuffer, shared.settings, shared.blocks);
    this.#replies = new ReplyQueue(transport, shared.scheduler, shared.settings, this);
    this.#mayFastSubmit = shared.phase === 'serving';
    this.nextRead = shared.readBuffer.firstRead;
    shared.idle.restart(this);
    transport.open(this);
  }

  get state(): State {
    return { life: this.#life, input: this.#input, waits: this.#waits };
  }

  /** The server begins to drain: what has been received by now is still served. */
  startDraining(): void {
    this.#mayFastSubmit = false;
    this.#framer.grantAll();
  }

  /** While draining: nothing is left of what had been received when it began, or the client does not let it. */
  get isServed(): boolean {
    const { grantedBytes, hasLines } = this.#framer;
    // Full of replies that wait for a worker: they will leave, and then there is room.
    return grantedBytes === 0 || !hasLines || (this.#replies.isFull && !this.#replies.isWaiting);
  }

  /** The server ends: replies that are ready are written, nothing more is served. */
  end(): void {
    this.#shared.scheduler.leave(this);
    this.#waits = 'nothing';
    if (this.#life === 'open') this.#life = 'finishing';
    this.#framer.clear();
    this.#replies.writeKept();
    // Workers that answer from now on are too late: a write behind the end would cost the client what is on its way.
    this.#replies.close();
    this.#transport.end();
    // What still comes is read and dropped: closing with unread input would reset the connection, and a reset
    // may take the last replies with it.
    this.#transport.resume();
  }

  destroy(): void {
    this.#transport.destroy();
  }

  close(why: Closing): void {
    this.#shared.clients[why] += 1;
    this.#shared.log.debug('client_closed', { why }, `closed a client: ${why}`);
    // It may take some turns until the connection is closed.
    this.#leave();
    this.#transport.close();
  }

  partialTooOld(): void {
    // While the server does not read, the client can't end its line; one that is skipped was answered already.
    if (this.#isPaused && !this.#framer.isSkipping) this.#shared.partial.restart(this);
    else this.close('closed_partial');
  }

  idleTooLong(): void {
    // What the server does not read, it knows nothing of.
    if (this.#isPaused) this.#shared.idle.restart(this);
    else this.close('closed_idle');
  }

  /** While lines wait, the transport is paused, and brings no bytes. */
  received(bytes: number): void {
    const { readBuffer, idle, scheduler, settings } = this.#shared;
    const framer = this.#framer;
    if (!this.#isLive) return;
    if (settings.idleMsMax > 0) idle.restart(this);
    this.nextRead = bytes === this.nextRead.length ? readBuffer.chunk : readBuffer.firstRead;
    // A full chunk: there is more, and it waits until the others had their turn.
    const isFull = bytes === readBuffer.chunk.length;
    if (bytes > SMALL_BYTES && !framer.skipsAll(bytes) && !scheduler.mayServe(bytes)) {
      framer.keep(bytes);
    } else {
      this.#visit(bytes);
      if (!framer.hasLines && this.#replies.isEmpty && !this.#isPaused && !isFull) return;
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
    this.#shared.gone(this);
  }

  /** Called by the scheduler: it is this session's turn. */
  takeTurn(): void {
    if (!this.#isLive) return;
    this.#waits = 'nothing';
    const { hasLines } = this.#framer;
    if (hasLines) this.#visit(0);
    this.advance(hasLines && this.#framer.isSkipping);
  }

  /** After anything changed: reads on, waits for its turn, or waits for the client. */
  advance(mustWait = false): void {
    if (!this.#isLive) return;
    const { scheduler, blocked } = this.#shared;
    if (this.#replies.isFull) {
      this.#pause();
      if (this.#transport.unsentBytes > 0) blocked.start(this);
      return;
    }
    blocked.clear(this);
    if (this.#waits === 'turn') return;
    if (this.#waits === 'ring') {
      this.#pause();
    } else if (this.#framer.hasLines || mustWait) {
      this.#pause();
      this.#waits = 'turn';
      if (this.#framer.isSkipping && !this.#framer.hasLines) scheduler.waitLast(this);
      else scheduler.wait(this);
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
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#transport.pause();
  }

  /** The client has said all: serve what it left without a line end, and hang up when all is answered. */
  #finish(): void {
    const framer = this.#framer;
    if (framer.hasInput && !framer.isSkipping && this.#input !== 'reset') {
      this.#shared.readBuffer.chunk[0] = NEWLINE;
      this.#visit(1);
      this.advance();
    } else if (!this.#replies.isWaiting) {
      this.#life = 'finishing';
      this.#shared.partial.clear(this);
      this.#replies.writeKept();
      this.#transport.end();
    }
  }

  /** Wants nothing of the server any more, and is handed nothing. */
  #leave(): void {
    const { partial, blocked, idle } = this.#shared;
    this.#shared.scheduler.leave(this);
    this.#waits = 'nothing';
    this.#life = 'ended';
    this.#replies.close();
    this.#framer.clear();
    partial.clear(this);
    blocked.clear(this);
    idle.clear(this);
  }

  /** Serves the input, and so many bytes of the chunk behind it. */
  #visit(bytes: number): void {
    const { dispatch, partial, phase } = this.#shared;
    const framer = this.#framer;
    if (framer.takesMore(bytes)) {
      if (framer.isTooLong) {
        this.#skipLine();
        dispatch.finish(this.#replies);
        this.#replies.flush();
      }
      return;
    }
    const wasWithinLine = framer.isWithinLine;
    framer.lay(bytes);
    const stop = dispatch.serve(framer, this.#replies, phase, this.#mayFastSubmit);
    framer.hasLines = stop !== 'end';
    if (stop === 'ring') this.#waitForRoom(dispatch.stalledHash);
    const { hasEndedLine, laidBytes } = framer;
    framer.keepRest();
    if (framer.isTooLong) this.#skipLine();
    dispatch.finish(this.#replies);
    this.#replies.flush(laidBytes);
    if (!framer.hasLines && framer.isWithinLine) {
      // A line that had begun before keeps its time; more bytes do not push it back.
      if (hasEndedLine) partial.restart(this);
      else partial.start(this);
    } else if (wasWithinLine) {
      partial.clear(this);
    }
  }

  #skipLine(): void {
    this.#shared.dispatch.refuse(Reply.lineTooLong);
    this.#framer.skipLine();
  }

  /** Until there is room in the ring of the user with this hash. */
  #waitForRoom(hash: number): void {
    this.#waits = 'ring';
    this.#shared.whenRoom(hash, () => {
      if (this.#waits !== 'ring') return;
      this.#waits = 'nothing';
      this.advance();
    });
  }
}

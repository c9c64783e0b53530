/**
 * One client: its bytes become lines, its lines replies, in order, however the packets were cut.
 *
 * A *visit* serves as many lines as there are, as long as the client takes its replies; the replies of a visit
 * leave in one write, those to much input at the end of the turn. A visit ends early when the client has left too
 * many replies unread, or when a balance can't be asked for because a ring is full; the lines not served stay here,
 * and nothing more is read until they are. So what a client can make the server keep for it is bounded, whatever it
 * does.
 */
import type { Socket } from 'node:net';
import { readInto } from '../net/plain-transport.ts';
import { judgeUsual } from '../protocol/fast-parser.ts';
import { Reply } from '../protocol/replies.ts';
import { Kind } from '../protocol/request.ts';
import { answer, refuse } from './dispatch.ts';
import { Rest } from './input-buffer.ts';
import { Outbox } from './reply-queue.ts';
import type { Client, Closing, Service } from './service.ts';

const NEWLINE = 0x0a;

export class Connection implements Client {
  readonly #socket: Socket;
  readonly #service: Service;
  readonly #outbox: Outbox;
  readonly #destroyNow: () => void;
  /** Bytes received and not served: the start of a line, or lines that wait. */
  readonly #rest = new Rest();
  /**
   * Where the next read goes: a sip, and once that was full, the whole chunk. The event loop reads all sockets in one go, before anybody is
   * answered; of a hundred clients that send much at once, it reads no more than a sip each.
   */
  #nextRead: Buffer;
  /** The rest holds lines that wait to be served, not only the start of one. */
  #hasLinesWaiting = false;
  /** The line under way was too long and was answered: its bytes are dropped up to its end. */
  #isSkipping = false;
  /** The ring was full when a balance was to be asked for. */
  #isStalled = false;
  /** The client has shut down its sending side. */
  #hasEnded = false;
  /** It ended in a reset: bytes without a line end are no line then. */
  #isReset = false;
  #isClosed = false;
  #isPaused = false;
  /** It has asked for a turn, and does nothing before it has had that. */
  #isInLine = false;
  /** While draining: bytes that had been received when it began, and are still served. */
  #grantedBytes = 0;

  constructor(accepted: Socket, service: Service, onClose: () => void, read = readInto) {
    this.#nextRead = service.desk.sip;
    const socket = read(
      () => this.#nextRead,
      accepted,
      bytes => this.#receive(bytes),
    );
    this.#socket = socket;
    this.#service = service;
    this.#destroyNow = service.closings.spread(socket);
    this.#outbox = new Outbox(socket, service.turns, service.config.unsentBytesMax, this);
    service.clients.connections += 1;
    service.clients.connections_total += 1;
    service.idleClients.restart(this);
    socket.on('drain', () => this.goOn());
    socket.on('end', () => {
      this.#hasEnded = true;
      // A reset that finds input unread is reported as an end too, but it leaves no peer.
      this.#isReset = socket.remoteAddress === undefined;
      this.goOn();
    });
    // A reset, or a client that went away before its replies: `close` follows and cleans up.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#leave();
      service.clients.connections -= 1;
      onClose();
    });
  }

  /** The server begins to drain: what has been received by now is still served. */
  startDraining(): void {
    this.#grantedBytes = this.#rest.bytes;
  }

  /** The server ends: replies that are ready are written, nothing more is read. */
  end(): void {
    this.#service.turns.leave(this);
    this.#rest.clear();
    this.#hasLinesWaiting = false;
    this.#outbox.flush();
    // Workers that answer from now on are too late: a write behind the end would cost the client what is on its way.
    this.#outbox.close();
    this.#socket.end();
    // What still comes is read and dropped: closing with unread input would reset the connection, and a reset
    // may take the last replies with it.
    this.#socket.resume();
  }

  destroy(): void {
    this.#destroyNow();
  }

  close(why: Closing): void {
    this.#service.clients[why] += 1;
    this.#service.log.debug('client_closed', { why }, `closed a client: ${why}`);
    // It may take some turns until the socket is closed.
    this.#leave();
    this.#socket.destroy();
  }

  partialTooOld(): void {
    // While the server does not read, the client can't end its line; but one that is skipped has had its answer,
    // and waits for its turn most of the time.
    if (this.#isPaused && !this.#isSkipping) this.#service.partialLines.restart(this);
    else this.close('closed_partial');
  }

  idleTooLong(): void {
    // What the server does not read, it knows nothing of.
    if (this.#isPaused) this.#service.idleClients.restart(this);
    else this.close('closed_idle');
  }

  /** While draining: nothing is left of what had been received when it began, or the client does not let it. */
  get isServed(): boolean {
    // Full of replies that wait for a worker: they will leave, and then there is room.
    if (this.#outbox.isFull && !this.#outbox.isWaiting) return true;
    return this.#grantedBytes === 0 || !this.#hasLinesWaiting;
  }

  /** Called by the turns: it is this connection's turn. */
  takeTurn(): void {
    if (this.#isClosed || this.#service.phase === 'ending') return;
    this.#isInLine = false;
    if (this.#hasLinesWaiting) {
      this.#visit(0);
      this.goOn(this.#isSkipping);
    } else {
      this.goOn();
    }
  }

  /** So many bytes are in the desk's chunk. While lines wait, the socket is paused, and brings none. */
  #receive(bytes: number): void {
    if (this.#isClosed || this.#service.phase === 'ending') return;
    const { desk, idleClients, turns } = this.#service;
    idleClients.restart(this);
    this.#nextRead = bytes === this.#nextRead.length ? desk.chunk : desk.sip;
    // A full chunk: there is more, and it waits until the others had their turn.
    const isFull = bytes === desk.chunk.length;
    // What is only thrown away need not wait.
    const isSkipped = this.#isSkipping && !desk.hasLineEnd(bytes);
    if (!isSkipped && !turns.mayServe(bytes)) {
      this.#rest.append(desk.chunk.subarray(0, bytes));
      this.#hasLinesWaiting = true;
    } else {
      this.#visit(bytes);
      const isDone = !this.#hasLinesWaiting && this.#outbox.isEmpty;
      if (isDone && !this.#isPaused && !isFull) return;
    }
    this.goOn(isFull);
  }

  /** After anything changed: reads on, waits for its turn, or waits for the client. */
  goOn(mustWait = false): void {
    const { turns, blockedClients } = this.#service;
    if (this.#isClosed || this.#service.phase === 'ending') return;
    if (this.#outbox.isFull) {
      this.#pause();
      if (this.#socket.writableLength > 0) blockedClients.start(this);
      return;
    }
    blockedClients.clear(this);
    if (this.#isInLine) return;
    if (this.#isStalled) {
      this.#pause();
    } else if (this.#hasLinesWaiting || mustWait) {
      this.#pause();
      this.#isInLine = true;
      if (this.#isSkipping && !this.#hasLinesWaiting) turns.waitLast(this);
      else turns.wait(this);
    } else if (this.#hasEnded) {
      this.#finish();
    } else if (this.#isPaused) {
      this.#isPaused = false;
      this.#socket.resume();
    }
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  /** The client has said all: serve what it left without a line end, and hang up when all is answered. */
  #finish(): void {
    if (this.#rest.bytes > 0 && !this.#isSkipping && !this.#isReset) {
      this.#service.desk.chunk[0] = NEWLINE;
      this.#visit(1);
      this.goOn();
    } else if (!this.#outbox.isWaiting) {
      this.#service.partialLines.clear(this);
      this.#outbox.flush();
      this.#socket.end();
    }
  }

  /** Wants nothing of the service any more, and is handed nothing. */
  #leave(): void {
    const { turns, partialLines, blockedClients, idleClients } = this.#service;
    this.#isClosed = true;
    this.#outbox.close();
    this.#rest.clear();
    turns.leave(this);
    partialLines.clear(this);
    blockedClients.clear(this);
    idleClients.clear(this);
    this.#hasLinesWaiting = false;
  }

  /** Serves the rest and so many bytes of the chunk behind it. */
  #visit(bytes: number): void {
    const { desk, replies, engine, partialLines, config, metricsDetail } = this.#service;
    if (bytes > 0 && this.#rest.bytes > 0 && !desk.hasLineEnd(bytes)) {
      // Still the same line. Only its new bytes are looked at, so a line that comes byte by byte costs no more.
      this.#rest.append(desk.chunk.subarray(0, bytes));
      if (this.#rest.bytes > config.lineBytesMax) {
        this.#skipLine();
        this.#outbox.send(replies.take());
      }
      return;
    }
    metricsDetail.forget();
    const start = desk.chunkAt - this.#rest.bytes;
    const end = desk.chunkAt + bytes;
    // Ends every search for a line end.
    desk.bytes[end] = NEWLINE;
    this.#rest.moveTo(desk.bytes, start);
    const servedTo = this.#service.phase === 'serving' ? end : start + this.#grantedBytes;
    const stopped = this.#serve(this.#skip(start, end), end, servedTo);
    const hasEndedLine = stopped > start && !this.#isSkipping;
    const left = end - stopped;
    if (left > 0) {
      this.#rest.append(desk.bytes.subarray(stopped, end));
      if (!this.#hasLinesWaiting && left > config.lineBytesMax) this.#skipLine();
    }
    this.#grantedBytes = Math.max(0, this.#grantedBytes - (stopped - start));
    engine.publish();
    this.#outbox.send(replies.take(), end - start);
    if (!this.#hasLinesWaiting && (left > 0 || this.#isSkipping)) {
      // A line that had begun before keeps its time; more bytes do not push it back.
      if (hasEndedLine) partialLines.restart(this);
      else partialLines.start(this);
    } else {
      partialLines.clear(this);
    }
  }

  /** Where the next line starts: behind the one that was too long, if it ends here; otherwise at the end. */
  #skip(start: number, end: number): number {
    if (!this.#isSkipping) return start;
    const lineEnd = this.#service.desk.bytes.indexOf(NEWLINE, start);
    if (lineEnd === end) return end;
    this.#isSkipping = false;
    return lineEnd + 1;
  }

  /**
   * Serves lines from `start` on; returns where it stopped: at `end`, at a line without its end, or early. Events
   * behind `servedTo` came too late.
   */
  #serve(start: number, end: number, servedTo: number): number {
    const { desk, judgement, replies, engine, config } = this.#service;
    let roomBytes = this.#outbox.roomBytes;
    let at = start;
    this.#hasLinesWaiting = false;
    while (at < end) {
      if (replies.bytes >= roomBytes) {
        this.#hasLinesWaiting = true;
        break;
      }
      let next = judgeUsual(desk, at, end, judgement);
      if (next !== 0 && next <= servedTo && !judgement.isWaiting) {
        replies.add(engine.submit(judgement.nameAt, judgement.nameBytes, judgement.hash, judgement.amount));
        at = next;
        continue;
      }
      let kind: Kind = Kind.event;
      if (next === 0) {
        const lineEnd = desk.bytes.indexOf(NEWLINE, at);
        if (lineEnd === end) break;
        next = lineEnd + 1;
        if (lineEnd - at > config.lineBytesMax) {
          refuse(this.#service, Reply.lineTooLong);
          at = next;
          continue;
        }
        kind = this.#service.judge.judge(at, lineEnd, judgement);
      }
      if (!answer(this.#service, this.#outbox, kind, at, next, next <= servedTo)) {
        this.#stall();
        this.#hasLinesWaiting = true;
        break;
      }
      roomBytes = this.#outbox.roomBytes;
      at = next;
    }
    return at;
  }

  /** Until there is room in the ring of the user of the line just judged. */
  #stall(): void {
    const { engine, judgement } = this.#service;
    this.#isStalled = true;
    engine.whenRoom(judgement.hash, () => {
      this.#isStalled = false;
      this.goOn();
    });
  }

  #skipLine(): void {
    refuse(this.#service, Reply.lineTooLong);
    this.#rest.clear();
    // All that was received is part of it, or before it.
    this.#grantedBytes = 0;
    this.#isSkipping = true;
  }
}

/**
 * From lines to replies: each line is parsed and answered by its command.
 *
 * Most lines are events in the usual form. They take the fast path: the line is parsed in place, the event is
 * submitted to the engine, and its fixed reply is counted. The fast path skips every check between a client and the
 * engine, so it is taken only if the session allows it (`mayFastSubmit`). All other lines go through `#answer`.
 */

import { adminCommand } from '../commands/admin.ts';
import { authCommand } from '../commands/auth.ts';
import { balanceCommand } from '../commands/balance.ts';
import type { Answer } from '../commands/command.ts';
import { debugCommand } from '../commands/debug.ts';
import { eventCommand } from '../commands/event.ts';
import { healthCommand } from '../commands/health.ts';
import { MetricsDetail, metricsCommand } from '../commands/metrics.ts';
import { transferCommand } from '../commands/transfer.ts';
import type { Intake } from '../engine/intake.ts';
import { NO_ROOM } from '../engine/owners.ts';
import type { Position } from '../engine/position.ts';
import type { Guard } from '../guard/guard.ts';
import type { ClientCounts, Metrics } from '../metrics/snapshot.ts';
import { createFastParser, type FastParse } from '../protocol/fast-parser.ts';
import type { HashSeed } from '../protocol/hash.ts';
import { JsonParser } from '../protocol/json-parser.ts';
import { NEWLINE, type ReadBuffer } from '../protocol/read-buffer.ts';
import { Replies, Reply } from '../protocol/replies.ts';
import { emptyRequest, Kind, Wants } from '../protocol/request.ts';
import type { Framer } from './framer.ts';
import type { ReplyQueue } from './reply-queue.ts';
import type { Phase } from './state.ts';

// A constant of this module: an imported binding is looked up, and checked, at every use.
const ID = Wants.id;

/**
 * Why serving stopped: no complete line is left, the client must read replies first, a ring is full, the next line
 * needs the answers that replies before it wait for, or it has begun something that takes its time.
 */
export type Stop = 'end' | 'replies' | 'ring' | 'answers' | 'command';

interface DispatchSettings {
  readonly lineBytesMax: number;
  readonly debugRequests: boolean;
}

export class Dispatch implements Answer {
  readonly #buffer: ReadBuffer;
  readonly #fast: FastParse;
  readonly #json: JsonParser;
  readonly #engine: Intake;
  readonly #settings: DispatchSettings;
  readonly #clients: ClientCounts;
  readonly #detail: MetricsDetail;
  readonly #request = emptyRequest();
  readonly #replies = new Replies();
  /** Of the client that is being served. */
  #queue: ReplyQueue | undefined;
  #phase: Phase = 'serving';
  #guard: Guard | undefined;

  constructor(
    buffer: ReadBuffer,
    seed: HashSeed,
    engine: Intake,
    settings: DispatchSettings,
    metrics: Metrics,
    clients: ClientCounts,
  ) {
    this.#buffer = buffer;
    this.#fast = createFastParser(buffer, seed);
    this.#json = new JsonParser(buffer, seed);
    this.#engine = engine;
    this.#settings = settings;
    this.#detail = new MetricsDetail(metrics);
    this.#clients = clients;
  }

  /** Serves the framer's lines from `framer.at` on, and moves `framer.at` behind the last line served. */
  serve(framer: Framer, queue: ReplyQueue, phase: Phase, mayFastSubmit: boolean, guard?: Guard): Stop {
    const fast = this.#fast;
    const request = this.#request;
    const engine = this.#engine;
    const replies = this.#replies;
    const { end } = framer;
    let { at } = framer;
    let { roomBytes } = queue;
    let stop: Stop = 'end';
    this.#queue = queue;
    this.#phase = phase;
    this.#detail.isStale = true;
    this.#guard = guard;
    while (at < end) {
      if (replies.bytes >= roomBytes) {
        stop = 'replies';
        break;
      }
      let next = fast(at, end, request);
      if (next !== 0 && mayFastSubmit && (request.wants === 0 || request.wants === ID)) {
        if (guard !== undefined && --guard.free < 0 && this.#isTurnedAway(Kind.event)) {
          at = next;
          continue;
        }
        const outcome =
          request.wants === 0 ? engine.submit(request) : engine.submitPromised(request, replies.lines);
        if (outcome === NO_ROOM) {
          guard?.giveBack(Kind.event);
          stop = 'ring';
          break;
        }
        replies.add(outcome);
        at = next;
        continue;
      }
      let kind: Kind = Kind.event;
      if (next === 0) {
        const lineEnd = this.#buffer.bytes.indexOf(NEWLINE, at);
        if (lineEnd === end) break;
        next = lineEnd + 1;
        if (lineEnd - at > this.#settings.lineBytesMax) {
          this.refuse(guard?.isStranger ? Reply.unauthorized : Reply.lineTooLong);
          framer.noteHttp(at, lineEnd);
          at = framer.isHttp ? end : next;
          continue;
        }
        kind = this.#json.parse(at, lineEnd, request);
        if (kind === Kind.invalidJson) framer.noteHttp(at, lineEnd);
      }
      const isLate = phase !== 'serving' && !framer.isGranted(next);
      const isAway = guard !== undefined && !framer.isHttp && this.#isTurnedAway(kind);
      const lacking = isAway ? undefined : this.#answer(kind, at, next, isLate);
      if (lacking !== undefined) {
        if (lacking === 'ring') guard?.giveBack(kind);
        stop = lacking;
        break;
      }
      roomBytes = queue.roomBytes;
      at = framer.isHttp || guard?.isOver ? end : next;
    }
    framer.at = at;
    return stop;
  }

  /** Publishes the submitted events to the workers, and passes the replies made so far to the client's queue. */
  finish(queue: ReplyQueue): void {
    this.#engine.publish();
    this.#release(queue);
  }

  /** Passes on the replies made so far, which may wait until what they acknowledge is in the journal. */
  #release(queue: ReplyQueue): void {
    const lines = this.#replies.take();
    // Also without a reply to hold back: the next client's replies must not wait for this one's events, which may be
    // in the journal already, with nobody left to tell.
    const commit = this.#engine.commit();
    if (commit?.writes !== undefined) queue.wrote(commit.writes);
    if (lines !== undefined) queue.send(lines, commit);
  }

  /** After a stop at a full ring: the hash of the user that the ring had no room for. */
  get stalledHash(): number {
    return this.#engine.stalledHash;
  }

  /** Answers, and counts, an invalid line. */
  refuse(reply: Reply): void {
    this.#clients.invalid += 1;
    this.#replies.add(reply);
  }

  fixed(reply: Reply): void {
    this.#replies.add(reply);
  }

  line(line: string): void {
    this.#replies.addLine(line);
  }

  get lines(): number {
    return this.#replies.lines;
  }

  balanceAt(position: Position, isTransfer?: boolean): void {
    this.#release(this.#queue!);
    this.#queue!.sendBalance(position, isTransfer);
  }

  /** Answers the line just parsed if the client may not have it done. */
  #isTurnedAway(kind: Kind): boolean {
    const refusal = this.#guard!.check(kind, this.#request, this.#buffer.bytes);
    if (refusal === undefined) return false;
    if (refusal === Reply.rateLimited) this.#replies.add(this.#engine.refuse(refusal));
    else this.refuse(refusal);
    return true;
  }

  /** Answers the line just parsed, from `at` up to `next`; or returns what it lacks. */
  #answer(kind: Kind, at: number, next: number, isLate: boolean): 'ring' | 'answers' | 'command' | undefined {
    const engine = this.#engine;
    if (kind !== Kind.metricsDetail) this.#detail.isStale = true;
    switch (kind) {
      case Kind.event:
        return eventCommand(engine, this.#request, isLate, this) ? undefined : 'ring';
      case Kind.transfer:
        return transferCommand(engine, this.#request, isLate, this) ? undefined : 'ring';
      case Kind.balance:
        if (this.#queue!.hasOpenTransfer) return 'answers';
        return balanceCommand(engine, this.#request, this, this.#queue!.writes) ? undefined : 'ring';
      case Kind.metrics:
        if (this.#queue!.isWaiting) return 'answers';
        metricsCommand(engine, this);
        return;
      case Kind.metricsDetail:
        if (this.#queue!.isWaiting) return 'answers';
        this.#detail.command(this);
        return;
      case Kind.health:
        healthCommand(engine, this.#phase !== 'serving', this);
        return;
      case Kind.auth:
        return authCommand(this.#guard, this.#line(at, next), this) ? undefined : 'command';
      case Kind.admin:
        if (this.#guard !== undefined && this.#queue!.hasOpenTransfer) return 'answers';
        return adminCommand(this.#guard, this.#line(at, next), this) ? undefined : 'command';
      case Kind.debug:
        if (this.#settings.debugRequests) debugCommand(engine.experiments, this.#line(at, next), this);
        else this.refuse(Reply.unknownType);
        return;
      case Kind.invalidJson:
        this.refuse(Reply.invalidJson);
        return;
      case Kind.invalidEvent:
        this.refuse(Reply.invalidEvent);
        return;
      case Kind.unknownType:
        this.refuse(Reply.unknownType);
        return;
    }
  }

  #line(at: number, next: number): string {
    return this.#buffer.bytes.toString('utf8', at, next);
  }
}

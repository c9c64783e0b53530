/**
 * All clients of the socket thread, and what they share: the read buffer, the dispatch, the scheduler, the deadlines,
 * the counts, and the phase of the server.
 */
import type { Settings } from '../config/settings.ts';
import type { Intake } from '../engine/intake.ts';
import type { Guards } from '../guard/guards.ts';
import type { Log } from '../log.ts';
import { type Closing, type Keeping, Metrics, noClients } from '../metrics/snapshot.ts';
import type { Accepting } from '../net/listener.ts';
import type { Transport } from '../net/transport.ts';
import type { HashSeed } from '../protocol/hash.ts';
import { ReadBuffer } from '../protocol/read-buffer.ts';
import { type Client, ClientDeadlines } from './client-deadlines.ts';
import { Dispatch } from './dispatch.ts';
import { BlockPool } from './input-buffer.ts';
import { Lingering } from './lingering.ts';
import { Refusals } from './refusals.ts';
import { Scheduler } from './scheduler.ts';
import { Session } from './session.ts';
import type { Shared } from './shared.ts';
import type { Phase } from './state.ts';

/** The most bytes that one read of a socket returns. */
const CHUNK_BYTES_MAX = 65_536;
/** Clients that speak HTTP are logged together, as often as this: a web page can send a thousand requests. */
const HTTP_LOG_MS = 60_000;

/** The read buffer, which also holds the names of users when events are submitted to the engine. */
export function createReadBuffer({ lineBytesMax }: Settings): ReadBuffer {
  // Before the chunk: the start of a line and one earlier chunk, not yet served.
  return new ReadBuffer(lineBytesMax + CHUNK_BYTES_MAX, CHUNK_BYTES_MAX);
}

export class Sessions implements Shared, Accepting {
  phase: Phase = 'serving';
  readonly settings: Settings;
  readonly log: Log;
  readonly clients = noClients();
  readonly metrics: Metrics;
  readonly readBuffer: ReadBuffer;
  readonly seed: HashSeed;
  readonly blocks = new BlockPool();
  readonly dispatch: Dispatch;
  readonly scheduler: Scheduler;
  readonly deadlines: ClientDeadlines;
  readonly lingering = new Lingering();
  readonly #refusals: Refusals;
  readonly #engine: Intake;
  readonly #guards: Guards | undefined;
  readonly #all = new Set<Session>();
  #onEmpty: () => void = () => {};
  #nextHttpLogMs = 0;

  constructor(
    settings: Settings,
    engine: Intake,
    readBuffer: ReadBuffer,
    seed: HashSeed,
    log: Log,
    keeping?: Keeping,
    guards?: Guards,
  ) {
    this.#guards = guards;
    this.settings = settings;
    this.log = log;
    this.readBuffer = readBuffer;
    this.seed = seed;
    this.#engine = engine;
    this.metrics = new Metrics(engine, this.clients, keeping);
    this.dispatch = new Dispatch(readBuffer, seed, engine, settings, this.metrics, this.clients);
    this.scheduler = new Scheduler(settings, () => engine.collect());
    this.deadlines = new ClientDeadlines(settings);
    this.#refusals = new Refusals(this.lingering, readBuffer.firstRead);
  }

  accept(transport: Transport): void {
    if (this.clients.connections >= this.settings.connectionsMax) {
      this.refused();
      this.#refusals.refuse(transport);
      return;
    }
    const guard = this.#guards?.welcome(transport);
    if (guard === undefined && this.#guards !== undefined) {
      this.refused();
      this.#refusals.refuse(transport);
      return;
    }
    this.clients.connections += 1;
    this.clients.connections_total += 1;
    this.#all.add(new Session(transport, this, guard));
  }

  get openMax(): number {
    return this.settings.connectionsMax + this.#refusals.openMax;
  }

  refused(): void {
    this.clients.connections_refused += 1;
  }

  gone(session: Client): void {
    this.clients.connections -= 1;
    this.#all.delete(session as Session);
    if (this.#all.size === 0) this.#onEmpty();
  }

  hungUp(why: Closing): void {
    this.clients[why] += 1;
    if (why !== 'closed_http') return;
    const nowMs = performance.now();
    if (nowMs < this.#nextHttpLogMs) return;
    this.#nextHttpLogMs = nowMs + HTTP_LOG_MS;
    const { closed_http: connections } = this.clients;
    const clients = connections === 1 ? 'a client' : `${connections} clients so far`;
    this.log.warn('http_request', { connections }, `${clients} spoke HTTP to the port of the events: ended`);
  }

  /** Ends all whose token, certificate or right holds no longer. */
  review(): void {
    this.#guards?.review(Date.now());
  }

  whenRoom(hash: number, retry: () => void): void {
    this.#engine.whenRoom(hash, retry);
  }

  get all(): ReadonlySet<Session> {
    return this.#all;
  }

  /** What runs already by the old values of settings goes on by the new ones. */
  settingsChanged(): void {
    this.deadlines.limitsChanged();
    for (const session of this.#all) {
      if (session.state.life !== 'open') continue;
      // There may have been no limit so far.
      this.deadlines.idle.start(session);
      // It may have more room for replies now, or less.
      session.advance();
    }
  }

  /** Lines received so far are still served; later events are refused. */
  startDraining(): void {
    this.phase = 'draining';
    for (const session of this.#all) session.startDraining();
  }

  /** While draining: of every client, all that can still be served has been. */
  get areServed(): boolean {
    for (const session of this.#all) if (!session.isServed) return false;
    return true;
  }

  /** From now on no line is served. */
  stopServing(): void {
    this.phase = 'ending';
  }

  /** Writes every reply that is ready, and ends every connection. */
  end(): void {
    for (const session of this.#all) session.end();
  }

  destroy(): void {
    for (const session of this.#all) session.destroy();
    this.#refusals.destroy();
  }

  /** Resolves when no connection is left. */
  empty(): Promise<void> {
    return new Promise(resolve => {
      this.#onEmpty = resolve;
      if (this.#all.size === 0) resolve();
    });
  }
}

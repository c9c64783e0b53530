/**
 * What all connections share: the engine, the desk on which lines are judged, the limits, and the phase the
 * server is in. One for the socket thread.
 */

import { MetricsDetail } from '../commands/requests.ts';
import type { Config } from '../config/settings.ts';
import type { Engine } from '../engine/engine.ts';
import type { Log } from '../log.ts';
import { Closings } from '../net/close-queue.ts';
import { JsonJudge } from '../protocol/json-parser.ts';
import { Replies } from '../protocol/replies.ts';
import { Desk, type Judgement } from '../protocol/request.ts';
import { Deadlines } from './deadlines.ts';
import { Turns } from './scheduler.ts';

/** The most that one read of a socket brings. */
const CHUNK_BYTES_MAX = 65_536;

/** Why the server hangs up on a client that broke no rule but a limit. */
export type Closing = 'closed_blocked' | 'closed_partial' | 'closed_idle';

/** A connection, as its deadlines see it. */
export interface Client {
  close(why: Closing): void;
  partialTooOld(): void;
  idleTooLong(): void;
}

export interface ClientCounts extends Record<Closing, number> {
  invalid: number;
  connections: number;
  connections_total: number;
  connections_refused: number;
}

/**
 * `serving`; `draining`: what was received is still served, later events are refused; `ending`: nothing is
 * served any more, only replies are written.
 */
export type Phase = 'serving' | 'draining' | 'ending';

export function createDesk(config: Config): Desk {
  // The start of a line and a chunk that was not served yet; and the next chunk.
  return new Desk(config.lineBytesMax + CHUNK_BYTES_MAX, CHUNK_BYTES_MAX);
}

export class Service {
  readonly engine: Engine;
  readonly config: Config;
  readonly log: Log;
  readonly desk: Desk;
  readonly judge: JsonJudge;
  readonly judgement: Judgement = { nameAt: 0, nameBytes: 0, hash: 0, amount: 0, isWaiting: false };
  readonly replies = new Replies();
  readonly turns: Turns;
  readonly closings = new Closings();
  readonly partialLines: Deadlines<Client>;
  readonly blockedClients: Deadlines<Client>;
  readonly idleClients: Deadlines<Client>;
  readonly clients: ClientCounts = {
    invalid: 0,
    connections: 0,
    connections_total: 0,
    connections_refused: 0,
    closed_blocked: 0,
    closed_partial: 0,
    closed_idle: 0,
  };
  readonly metricsDetail: MetricsDetail;
  phase: Phase = 'serving';

  constructor(config: Config, engine: Engine, desk: Desk, log: Log) {
    this.log = log;
    this.engine = engine;
    this.config = config;
    this.desk = desk;
    this.judge = new JsonJudge(desk);
    this.turns = new Turns(config.turnMsMax, () => engine.collect());
    this.metricsDetail = new MetricsDetail(engine, this.clients);
    this.partialLines = new Deadlines(config.partialMsMax, client => client.partialTooOld());
    this.blockedClients = new Deadlines(config.blockedMsMax, connection =>
      connection.close('closed_blocked'),
    );
    this.idleClients = new Deadlines(config.idleMsMax, client => client.idleTooLong());
  }
}

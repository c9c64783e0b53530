/**
 * The metrics: one typed snapshot of all counts of the server. The reply on the wire, Prometheus, the live page and
 * `tally watch` all present it (fields.ts describes each field).
 */
import type { ClusterDetail } from '../cluster/cluster.ts';
import type { Intake } from '../engine/intake.ts';
import type { JournalDetail } from '../journal/detail.ts';

/** Why the server closed a client: a limit, HTTP, no right to be here, a handshake that failed, or an administrator. */
export type Closing =
  | 'closed_blocked'
  | 'closed_partial'
  | 'closed_idle'
  | 'closed_http'
  | 'closed_unauthorized'
  | 'closed_admin'
  | 'closed_handshake';

/** The counts about clients. */
export interface ClientCounts extends Record<Closing, number> {
  invalid: number;
  connections: number;
  connections_total: number;
  connections_refused: number;
}

export function noClients(): ClientCounts {
  return {
    invalid: 0,
    connections: 0,
    connections_total: 0,
    connections_refused: 0,
    closed_blocked: 0,
    closed_partial: 0,
    closed_idle: 0,
    closed_http: 0,
    closed_unauthorized: 0,
    closed_admin: 0,
    closed_handshake: 0,
  };
}

/** In the names and the order of the wire. */
export type Snapshot = ReturnType<Intake['counts']> &
  ReturnType<Intake['detail']> &
  ClientCounts & { uptime_ms: number; journal?: JournalDetail; cluster?: ClusterDetail };

/** Where balances are kept, as the metrics see it: a journal, or a cluster, or neither. */
export interface Keeping {
  readonly journal?: { detail(): JournalDetail } | undefined;
  readonly cluster?: { detail(): ClusterDetail } | undefined;
}

export class Metrics {
  readonly #engine: Intake;
  readonly #clients: ClientCounts;
  readonly #keeping: Keeping;
  readonly #startedAtMs = performance.now();

  constructor(engine: Intake, clients: ClientCounts, keeping: Keeping = {}) {
    this.#keeping = keeping;
    this.#engine = engine;
    this.#clients = clients;
  }

  /** Events and invalid lines so far: while it does not change, only requests are served. */
  get countedLines(): number {
    return this.#engine.counts().received + this.#clients.invalid;
  }

  /** Costs some microseconds: every value is read from where it is counted. */
  snapshot(): Snapshot {
    const { received, processed, dropped, queued } = this.#engine.counts();
    const { journal, cluster } = this.#keeping;
    return {
      ...{ received, processed, dropped, queued },
      ...this.#engine.detail(),
      ...this.#clients,
      uptime_ms: Math.round(performance.now() - this.#startedAtMs),
      ...(journal && { journal: journal.detail() }),
      ...(cluster && { cluster: cluster.detail() }),
    };
  }
}

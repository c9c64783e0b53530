/**
 * The metrics: one typed snapshot of all that the server counts. The wire's line, Prometheus, the live page and
 * `tally watch` are views of it (fields.ts says what each field is).
 */
import type { Engine } from '../engine/engine.ts';

/** Why the server hangs up on a client that broke no rule but a limit. */
export type Closing = 'closed_blocked' | 'closed_partial' | 'closed_idle';

/** What is counted about clients. */
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
  };
}

/** Under the names, and in the order, of the wire. */
export type Snapshot = ReturnType<Engine['counts']> &
  ReturnType<Engine['detail']> &
  ClientCounts & { uptime_ms: number };

export class Metrics {
  readonly #engine: Engine;
  readonly #clients: ClientCounts;
  readonly #startedAtMs = performance.now();

  constructor(engine: Engine, clients: ClientCounts) {
    this.#engine = engine;
    this.#clients = clients;
  }

  /** Events and invalid lines so far: as long as it stays, nothing but requests was served. */
  get countedLines(): number {
    return this.#engine.counts().received + this.#clients.invalid;
  }

  /** Costs some microseconds: everything is read from where it is counted. */
  snapshot(): Snapshot {
    const { received, processed, dropped, queued } = this.#engine.counts();
    return {
      ...{ received, processed, dropped, queued },
      ...this.#engine.detail(),
      ...this.#clients,
      uptime_ms: Math.round(performance.now() - this.#startedAtMs),
    };
  }
}

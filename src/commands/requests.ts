/**
 * Answers to requests that are about the server and not about a user: metrics, health, debug.
 */
import type { Engine } from '../engine/engine.ts';
import { Reply, replyLine } from '../protocol/replies.ts';
import type { ClientCounts } from '../session/service.ts';

export function healthReply(engine: Engine, isDraining: boolean): Reply {
  if (isDraining) return Reply.healthDraining;
  return engine.workers.areAllReady ? Reply.healthOk : Reply.healthDegraded;
}

export function metricsLine(engine: Engine): string {
  const { received, processed, dropped } = engine.counts();
  return `{"received":${received},"processed":${processed},"dropped":${dropped}}\n`;
}

/**
 * The line with everything about the server. It is the dearest of all replies, and clients may ask for it a thousand
 * times in one chunk, so those that ask with nothing else in between get the same one.
 */
export class MetricsDetail {
  readonly #engine: Engine;
  readonly #clients: ClientCounts;
  readonly #startedAtMs = performance.now();
  #line = '';
  #received = Number.NaN;
  #invalid = 0;

  constructor(engine: Engine, clients: ClientCounts) {
    this.#engine = engine;
    this.#clients = clients;
  }

  /** Something else was answered, or time has passed. */
  forget(): void {
    this.#received = Number.NaN;
  }

  line(): string {
    const { received, processed, dropped, queued } = this.#engine.counts();
    if (received === this.#received && this.#clients.invalid === this.#invalid) return this.#line;
    this.#received = received;
    this.#invalid = this.#clients.invalid;
    this.#line = `${JSON.stringify({
      ...{ received, processed, dropped, queued },
      ...this.#engine.detail(),
      ...this.#clients,
      uptime_ms: Math.round(performance.now() - this.#startedAtMs),
    })}\n`;
    return this.#line;
  }
}

/** `{"type":"debug","do":"freeze"}`, `thaw`, and `kill` or `crash` with `"worker":n`. The line is JSON. */
export function debugLine(engine: Engine, line: string): string {
  const request = JSON.parse(line) as { do?: unknown; worker?: unknown };
  const worker = typeof request.worker === 'number' ? request.worker : 0;
  switch (request.do) {
    case 'freeze':
      engine.freeze(true);
      break;
    case 'thaw':
      engine.freeze(false);
      break;
    case 'kill':
      engine.workers.kill(worker);
      break;
    case 'crash':
      engine.crash(worker);
      break;
    default:
      return replyLine(Reply.invalidEvent).toString('latin1');
  }
  return replyLine(Reply.healthOk).toString('latin1');
}

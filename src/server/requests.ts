/**
 * Answers to requests that are about the server and not about a user: metrics, health, debug.
 */
import type { Engine } from '../engine/engine.ts';
import { Reply, replyLine } from '../protocol/replies.ts';
import type { ClientCounts } from './service.ts';

export function healthReply(engine: Engine, isDraining: boolean): Reply {
  if (isDraining) return Reply.healthDraining;
  return engine.workers.areAllReady ? Reply.healthOk : Reply.healthDegraded;
}

export function metricsLine(engine: Engine): string {
  const { received, processed, dropped } = engine.counts();
  return `{"received":${received},"processed":${processed},"dropped":${dropped}}\n`;
}

export function metricsDetailLine(engine: Engine, clients: ClientCounts, uptimeMs: number): string {
  const { received, processed, dropped, queued } = engine.counts();
  return `${JSON.stringify({ received, processed, dropped, queued, ...engine.detail(), ...clients, uptime_ms: Math.round(uptimeMs) })}\n`;
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

/**
 * What the socket thread tells the thread that speaks HTTP, when somebody looks: the metrics, and beside them the
 * rings, the shards and the delay of the event loop. Taking it costs some tens of microseconds.
 */
import type { Engine } from '../engine/engine.ts';
import type { RingLook, Sampler, ShardLook } from '../engine/sampler.ts';
import type { Metrics, Snapshot } from '../metrics/snapshot.ts';
import type { DelayLook, LoopDelay } from './loop-delay.ts';

/** Loopback: whoever reads the figures can do so from this machine. */
export const HTTP_HOST = '127.0.0.1';

/** `starting`: workers are on their way; `draining`: it shuts down; `degraded`: a worker is missing. */
export type State = 'starting' | 'serving' | 'degraded' | 'draining';

export interface HttpSnapshot {
  state: State;
  /** What `{"type":"metrics","detail":true}` answers. */
  metrics: Snapshot;
  rings: (RingLook & { isReady: boolean })[];
  shards: ShardLook;
  /** The worker of each shard. */
  owners: number[];
  delay: DelayLook;
}

/** To the thread: what it asked for, or that it is to end. */
export type ToHttpThread = { is: 'snapshot'; snapshot: HttpSnapshot } | { is: 'end' };

/** What the thread starts with. */
export interface HttpThreadStart {
  port: number;
  version: string;
  /** Since 1970: tells this server from the next one on its port. */
  startedAtMs: number;
}

/** From the thread: it listens, it can't, or it wants a snapshot. */
export type FromHttpThread =
  | { is: 'listening'; port: number }
  | { is: 'failed'; code: string | undefined; message: string }
  | { is: 'ask' };

/** The parts of the server that are looked at. */
export interface Watched {
  readonly engine: Engine;
  readonly metrics: Metrics;
  readonly isDraining: boolean;
}

export function takeSnapshot(
  { engine, metrics, isDraining }: Watched,
  sampler: Sampler,
  delay: LoopDelay,
  isStarted: boolean,
): HttpSnapshot {
  const ready = engine.workers.areReady;
  const shards = sampler.shards();
  return {
    state: stateOf(isStarted, isDraining, ready),
    metrics: metrics.snapshot(),
    rings: sampler.rings().map((ring, worker) => ({ ...ring, isReady: ready[worker]! })),
    shards,
    owners: Array.from(shards.users, (_, shard) => engine.users.workerOf(shard << 24)),
    delay: delay.look(),
  };
}

function stateOf(isStarted: boolean, isDraining: boolean, ready: boolean[]): State {
  if (!isStarted) return 'starting';
  if (isDraining) return 'draining';
  return ready.every(Boolean) ? 'serving' : 'degraded';
}

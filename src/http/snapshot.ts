/**
 * What the socket thread sends to the HTTP thread on request: the metrics, the rings, the shards and the delay of the
 * event loop. Taking a snapshot costs some tens of microseconds.
 */
import type { Intake } from '../engine/intake.ts';
import type { RingLook, ShardLook } from '../engine/sampler.ts';
import type { Metrics, Snapshot } from '../metrics/snapshot.ts';
import type { ListensAt } from '../net/listener.ts';
import type { DelayLook, LoopDelay } from './loop-delay.ts';
import type { Protection } from './protection.ts';

/** `starting`: workers are not ready yet; `degraded`: a worker is missing; `draining`: the server is shutting down. */
export type State = 'starting' | 'serving' | 'degraded' | 'draining';

export interface HttpSnapshot {
  state: State;
  /** The same as the reply to `{"type":"metrics","detail":true}`. */
  metrics: Snapshot;
  connectionsMax: number;
  rings: (RingLook & { isReady: boolean })[];
  shards: ShardLook;
  /** The worker of each shard. */
  owners: number[];
  delay: DelayLook;
}

/** To the thread: the snapshot it asked for, the two halves of a reload, or the command to end. */
export type ToHttpThread =
  | { is: 'snapshot'; snapshot: HttpSnapshot }
  | { is: 'prepare' | 'commit'; round: number }
  | { is: 'end' };

/** The start data of the thread. */
export interface HttpThreadStart {
  host: string;
  port: number;
  version: string;
  /** Since 1970; distinguishes this server from the next one on the same port. */
  startedAtMs: number;
  /** Undefined: plain HTTP, and whoever asks may read all. */
  protection: Protection | undefined;
}

/**
 * From the thread: it listens, it can't listen, a file of its can't be used, it asks for a snapshot, it has read its
 * files again (or has found a mistake in one), or it has a line for the log.
 */
export type FromHttpThread =
  | { is: 'listening'; at: ListensAt }
  | { is: 'failed'; code: string | undefined; message: string }
  | { is: 'unusable'; mistake: string }
  | { is: 'ask' }
  | { is: 'prepared'; round: number; mistake: string | undefined }
  | { is: 'warning'; event: string; fields: Record<string, unknown>; text: string };

/** The parts of the server that a snapshot is taken of. */
export interface Watched {
  readonly engine: Intake;
  readonly metrics: Metrics;
  readonly isDraining: boolean;
  /** The setting, which may change. */
  readonly connectionsMax: number;
}

export function takeSnapshot(
  { engine, metrics, isDraining, connectionsMax }: Watched,
  sampler: ReturnType<Intake['sampler']>,
  delay: LoopDelay,
  isStarted: boolean,
): HttpSnapshot {
  const ready = engine.workers.areReady;
  const shards = sampler.shards();
  return {
    state: stateOf(isStarted, isDraining, ready),
    metrics: metrics.snapshot(),
    connectionsMax,
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

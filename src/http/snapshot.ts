/**
 * What the socket thread tells the thread that speaks HTTP, when somebody looks: the line of the detailed metrics as
 * it goes over the wire, and beside it what that line has no room for. Taking it costs some tens of microseconds.
 */
import type { RingLook, Sample, ShardLook } from '../engine/sampler.ts';
import type { Service } from '../session/service.ts';
import type { DelayLook, LoopDelay } from './loop-delay.ts';

/** Loopback: whoever reads the figures can do so from this machine. */
export const HTTP_HOST = '127.0.0.1';

/** One more, and the oldest is closed: whoever holds connections open keeps nobody else out. */
export const HTTP_CONNECTIONS_MAX = 32;

/** `starting`: workers are on their way; `draining`: it shuts down; `degraded`: a worker is missing. */
export type State = 'starting' | 'serving' | 'degraded' | 'draining';

export interface View {
  state: State;
  /** What `{"type":"metrics","detail":true}` answers. */
  line: string;
  rings: (RingLook & { isReady: boolean })[];
  shards: ShardLook;
  /** The worker of each shard. */
  owners: number[];
  delay: DelayLook;
}

/** To the thread: what it asked for, or that it is to end. */
export type ToFront = { is: 'view'; view: View } | { is: 'end' };

/** What the thread starts with. */
export interface FrontStart {
  port: number;
  version: string;
  /** Since 1970: tells this server from the next one on its port. */
  startedAtMs: number;
}

/** From the thread: it listens, it can't, or it wants a view. */
export type FrontMessage =
  | { is: 'listening'; port: number }
  | { is: 'failed'; code: string | undefined; message: string }
  | { is: 'ask' };

export function takeView(service: Service, sample: Sample, delay: LoopDelay, isStarted: boolean): View {
  const { engine, metricsDetail, phase } = service;
  metricsDetail.forget();
  const ready = engine.workers.areReady;
  const shards = sample.shards();
  return {
    state: stateOf(isStarted, phase !== 'serving', ready),
    line: metricsDetail.line(),
    rings: sample.rings().map((ring, worker) => ({ ...ring, isReady: ready[worker]! })),
    shards,
    owners: Array.from(shards.users, (_, shard) => engine.directory.workerOf(shard << 24)),
    delay: delay.look(),
  };
}

function stateOf(isStarted: boolean, isDraining: boolean, ready: boolean[]): State {
  if (!isStarted) return 'starting';
  if (isDraining) return 'draining';
  return ready.every(Boolean) ? 'serving' : 'degraded';
}

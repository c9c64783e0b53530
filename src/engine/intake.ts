/**
 * What the rest of the server needs of an engine: somebody who takes events in, and knows what became of them. A node of
 * a cluster is another one (cluster/node.ts).
 */
import type { Engine } from './engine.ts';
import type { Experiments } from './experiments.ts';
import type { Position } from './position.ts';
import type { Reading } from './reading.ts';
import type { Sampler } from './sampler.ts';
import type { Name } from './user-table.ts';
import type { Workers } from './workers.ts';

type Same =
  | 'users'
  | 'stalledHash'
  | 'commit'
  | 'submit'
  | 'submitPromised'
  | 'submitAsking'
  | 'submitTransfer'
  | 'refuse'
  | 'publish'
  | 'collect'
  | 'counts'
  | 'detail'
  | 'whenRoom'
  | 'areRingsEmpty'
  | 'stop'
  | 'settle'
  | 'userLimits';

/** A request for a balance: whose, and how new it has to be (bits of `Wants`). */
export type BalanceRequest = Name & { wants: number };

export interface Intake extends Pick<Engine, Same> {
  readonly workers: Pick<
    Workers,
    'ready' | 'areReady' | 'areAllReady' | 'deaths' | 'start' | 'join' | 'terminate'
  >;
  readonly experiments: Pick<Experiments, 'freeze' | 'kill' | 'crash'>;
  readonly reading: Pick<Reading, 'balancesOf'>;
  sampler(): Pick<Sampler, 'rings' | 'shards'>;
  /** `writes`: of the client who asks, where that matters (see `Commit.writes`). */
  readBalance(request: BalanceRequest, writes?: Float64Array): number | undefined;
  askBalance(request: BalanceRequest, writes?: Float64Array): Position | undefined;
}

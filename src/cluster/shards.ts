/**
 * What observers of rings and shards see of a node: its partitions, and its users.
 */
import type { RingLook, ShardLook } from '../engine/sampler.ts';
import { SHARDS } from '../engine/user-indices.ts';
import type { Machine } from './machine.ts';

export class Shards {
  readonly #machine: Machine;
  readonly #shards: ShardLook = {
    ...{ pushed: 0, sampled: 0 },
    events: new Float64Array(SHARDS),
    users: new Int32Array(SHARDS),
  };

  constructor(machine: Machine) {
    this.#machine = machine;
    machine.users.indices.keepShards();
  }

  /** The stream of each partition: all of it that has come is applied. */
  rings(): RingLook[] {
    return this.#machine.parts.map(({ sequence }) => ({
      ...{ head: sequence, tail: sequence, processed: sequence },
    }));
  }

  shards(): ShardLook {
    const { indices } = this.#machine.users;
    for (let shard = 0; shard < SHARDS; shard++) this.#shards.users[shard] = indices.usersIn(shard);
    return this.#shards;
  }
}

/**
 * A look at the rings and the shards from outside, for whoever watches: what it costs is paid by the look, and
 * nothing by the events.
 *
 * Nobody counts events by shard. But a slot keeps the index of its user until it is written anew, read or not, and the
 * socket thread is the one writer of the slots, so it may read them at any time. A look takes some of those that were
 * pushed since the last one, and says what the others would be if they are alike: a sample, not a count.
 *
 * May call: the socket thread, and nobody else.
 */

import type { Lane } from './lane.ts';
import { SHARDS, type UserTable } from './user-table.ts';

/** Slots that one look reads, of all rings together: some tens of microseconds. */
export const SAMPLE_SLOTS_MAX = 4_096;

export interface RingLook {
  /** Next to read, and next to write: sequences, modulo 2^32. */
  head: number;
  tail: number;
  /** Events that its worker has applied. */
  processed: number;
}

/** Since the server was set up, so that two who look do not take from one another: take differences. */
export interface ShardLook {
  /** What the rings took, events and requests for balances, modulo 2^32 between two looks. */
  pushed: number;
  /** Of these, how many were looked at. */
  sampled: number;
  /** Estimated, shard by shard: `pushed` in all, but for rounding, and for rings of which nothing was looked at. */
  events: Float64Array;
  /** Exact. */
  users: Int32Array;
}

export class Sampler {
  readonly #lanes: readonly Lane[];
  readonly #users: UserTable;
  readonly #random: () => number;
  /** Up to where each ring was looked at. */
  readonly #tails: number[];
  readonly #shards: ShardLook = {
    pushed: 0,
    sampled: 0,
    events: new Float64Array(SHARDS),
    users: new Int32Array(SHARDS),
  };

  constructor(lanes: readonly Lane[], users: UserTable, random = Math.random) {
    this.#lanes = lanes;
    this.#users = users;
    this.#random = random;
    this.#tails = lanes.map(lane => lane.ring.tail);
    users.keepShards();
  }

  rings(): RingLook[] {
    return this.#lanes.map(({ ring, processed }) => {
      const { tail, depth } = ring;
      return { head: (tail - depth) >>> 0, tail: tail >>> 0, processed };
    });
  }

  /** Looks at what was pushed since the last look. What it returns is its own, and changes with the next look. */
  shards(): ShardLook {
    this.#lanes.forEach((_, worker) => {
      this.#lookAt(worker);
    });
    for (let shard = 0; shard < SHARDS; shard++) this.#shards.users[shard] = this.#users.usersIn(shard);
    return this.#shards;
  }

  #lookAt(worker: number): void {
    const { ring } = this.#lanes[worker]!;
    const pushed = (ring.tail - this.#tails[worker]!) >>> 0;
    this.#tails[worker] = ring.tail;
    // Older ones were written over.
    const kept = Math.min(pushed, ring.capacity);
    const sampled = Math.min(kept, Math.floor(SAMPLE_SLOTS_MAX / this.#lanes.length));
    const stride = kept / sampled;
    for (let place = 0; place < sampled; place++) {
      // One out of each stride, at random: events that come in turns would fool every fixed step.
      const within = kept > sampled ? this.#random() : 0;
      // The product may round up to the end.
      const at = Math.min(Math.floor((place + within) * stride), kept - 1);
      const shard = this.#users.shardOf(ring.userAt((ring.tail - kept + at) | 0));
      this.#shards.events[shard]! += pushed / sampled;
    }
    this.#shards.pushed += pushed;
    this.#shards.sampled += sampled;
  }
}

/**
 * Samples the rings and shards for observers. The cost is paid by the observer, not by the events.
 *
 * Events are not counted by shard. But a slot keeps the index of its user after it was read, until it is overwritten,
 * and the socket thread is the only writer of slots, so it may read them at any time. A look reads some of the slots
 * pushed since the last look, and extrapolates: the figures are estimates from a sample, not counts.
 *
 * Only the socket thread may call it.
 */

import type { Lane } from './lane.ts';
import { SHARDS, type UserIndices } from './user-indices.ts';

/** Slots that one look reads in all rings together: some tens of microseconds. */
export const SAMPLE_SLOTS_MAX = 4_096;

export interface RingLook {
  /** Next to read, and next to write: sequences, modulo 2^32. */
  head: number;
  tail: number;
  /** Events that its worker has applied. */
  processed: number;
}

/** Totals since the server's start, so that observers do not disturb one another: each takes its differences. */
export interface ShardLook {
  /** Slots pushed to all rings, for events and balances, if each ring takes less than 2^32 between two looks. */
  pushed: number;
  /** How many of these were read. */
  sampled: number;
  /** Estimated events of each shard. Sum: `pushed`, except for rounding and for rings of which no slot was read. */
  events: Float64Array;
  /** Users of each shard, exact. */
  users: Int32Array;
}

export class Sampler {
  readonly #lanes: readonly Lane[];
  readonly #indices: UserIndices;
  readonly #random: () => number;
  /** The tail of each ring at the last look. */
  readonly #tails: number[];
  readonly #shards: ShardLook = {
    pushed: 0,
    sampled: 0,
    events: new Float64Array(SHARDS),
    users: new Int32Array(SHARDS),
  };

  constructor(lanes: readonly Lane[], indices: UserIndices, random = Math.random) {
    this.#lanes = lanes;
    this.#indices = indices;
    this.#random = random;
    this.#tails = lanes.map(lane => lane.ring.tail);
    indices.keepShards();
  }

  rings(): RingLook[] {
    return this.#lanes.map(lane => {
      const { tail, depth } = lane.ring;
      const processed = lane.decided('processed');
      return { head: (tail - depth) >>> 0, tail: tail >>> 0, processed };
    });
  }

  /** Samples the slots pushed since the last look. The result is reused: it changes at the next look. */
  shards(): ShardLook {
    this.#lanes.forEach((_, worker) => {
      this.#lookAt(worker);
    });
    for (let shard = 0; shard < SHARDS; shard++) this.#shards.users[shard] = this.#indices.usersIn(shard);
    return this.#shards;
  }

  #lookAt(worker: number): void {
    const { ring } = this.#lanes[worker]!;
    const pushed = (ring.tail - this.#tails[worker]!) >>> 0;
    this.#tails[worker] = ring.tail;
    // Older slots were overwritten.
    const kept = Math.min(pushed, ring.capacity);
    const sampled = Math.min(kept, Math.floor(SAMPLE_SLOTS_MAX / this.#lanes.length));
    const stride = kept / sampled;
    for (let place = 0; place < sampled; place++) {
      // A random one out of each stride: a fixed step would be biased by events that repeat with a period.
      const within = kept > sampled ? this.#random() : 0;
      // The product may round up to `kept`.
      const at = Math.min(Math.floor((place + within) * stride), kept - 1);
      const shard = this.#indices.shardOf(ring.userAt((ring.tail - kept + at) | 0));
      this.#shards.events[shard]! += pushed / sampled;
    }
    this.#shards.pushed += pushed;
    this.#shards.sampled += sampled;
  }
}

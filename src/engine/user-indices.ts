/**
 * The indices of balances: which ones the users of a shard get, one after the other.
 *
 * A shard takes indices in blocks of a cache line, so two workers never write balances on the same cache line.
 */

/** Hash → shard → worker. */
export const SHARDS = 256;

/** Balances on one cache line. */
const BLOCK_USERS = 8;

/** The most balances that `usersMax` users can need: the last block of each shard may be partly used. */
export function balanceSlotsFor(usersMax: number): number {
  return usersMax + SHARDS * BLOCK_USERS;
}

export class UserIndices {
  readonly #usersMax: number;
  /** Next index of each shard, and 0 where it needs a new block. */
  readonly #nextOfShard = new Int32Array(SHARDS);
  #nextBlock = 0;
  /** Block → shard, and the number of blocks of each shard; kept only after `keepShards`. */
  #blocks: { shardOf: Uint8Array; taken: Int32Array } | undefined;

  constructor(usersMax: number) {
    this.#usersMax = usersMax;
  }

  /** For a new user of the shard. */
  take(shard: number): number {
    let index = this.#nextOfShard[shard]!;
    if (index % BLOCK_USERS === 0) index = this.#takeBlock(shard) * BLOCK_USERS;
    this.#nextOfShard[shard] = index + 1;
    return index;
  }

  /** An index that a user of the shard had; they come in order, before any is taken. */
  restore(shard: number, index: number): void {
    const block = Math.trunc(index / BLOCK_USERS);
    while (this.#nextBlock <= block) this.#takeBlock(shard);
    this.#nextOfShard[shard] = index + 1;
  }

  /** Enables `shardOf` and `usersIn`. Must be called before the first user; costs a byte for each block. */
  keepShards(): void {
    const blocks = Math.ceil(balanceSlotsFor(this.#usersMax) / BLOCK_USERS);
    this.#blocks = { shardOf: new Uint8Array(blocks), taken: new Int32Array(SHARDS) };
  }

  /** The shard of a user, by the index of its balance. */
  shardOf(index: number): number {
    return this.#blocks!.shardOf[Math.trunc(index / BLOCK_USERS)]!;
  }

  usersIn(shard: number): number {
    const left = -this.#nextOfShard[shard]! & (BLOCK_USERS - 1);
    return this.#blocks!.taken[shard]! * BLOCK_USERS - left;
  }

  #takeBlock(shard: number): number {
    const block = this.#nextBlock++;
    if (this.#blocks !== undefined) {
      this.#blocks.shardOf[block] = shard;
      this.#blocks.taken[shard]! += 1;
    }
    return block;
  }
}

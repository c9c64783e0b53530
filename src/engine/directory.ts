/**
 * The directory of users: the bytes of a name in, the index of its balance out. The socket thread's own.
 *
 * An open-addressing table of `[hash, entry]` pairs, at most half full, over an arena in which each user has
 * `[index, length, name in words]`: a look-up touches two places. Names are compared in 4-byte words,
 * the last one padded with zeros. Users are never removed, so the arena only grows; the system hands out the
 * pages of both when they are first touched, so room for a million users costs nothing until they come.
 *
 * Hash → shard → worker: a shard takes indices in blocks of a cache line, so two workers never write
 * balances on the same line.
 */
export const USER_BYTES_MAX = 128;
export const SHARDS = 256;

/** Balances on one cache line. */
const BLOCK_USERS = 8;
const ENTRY_WORDS_MAX = 2 + USER_BYTES_MAX / 4;

/** How many balances `usersMax` users need at most: a shard's last block may be partly used. */
export function balanceSlotsFor(usersMax: number): number {
  return usersMax + SHARDS * BLOCK_USERS;
}

/** What a look-up answers for a user that is not there. */
export const NOBODY = -1;

export class Directory {
  readonly usersMax: number;
  users = 0;
  readonly #names: DataView;
  readonly #mask: number;
  readonly #buckets: Int32Array;
  readonly #arena: Int32Array;
  readonly #workerOfShard: Uint8Array;
  /** Next index of each shard, and 0 where it needs a new block. */
  readonly #nextOfShard = new Int32Array(SHARDS);
  #nextBlock = 0;
  #arenaEnd = 1;

  /** `names` is where the names to look up lie; at least 3 bytes behind each must be readable. */
  constructor(names: DataView, usersMax: number, workers: number) {
    this.usersMax = usersMax;
    this.#names = names;
    const buckets = 2 ** Math.ceil(Math.log2(Math.max(usersMax, 8) * 2));
    this.#mask = buckets - 1;
    this.#buckets = new Int32Array(buckets * 2);
    this.#arena = new Int32Array(1 + usersMax * ENTRY_WORDS_MAX);
    this.#workerOfShard = Uint8Array.from({ length: SHARDS }, (_, shard) => shard % workers);
  }

  get isFull(): boolean {
    return this.users >= this.usersMax;
  }

  /** The worker that owns the users of this hash. */
  workerOf(hash: number): number {
    return this.#workerOfShard[hash >>> 24]!;
  }

  /** The balance index of the user whose name lies at `at`, or `NOBODY`. */
  find(at: number, bytes: number, hash: number): number {
    const buckets = this.#buckets;
    for (let bucket = hash & this.#mask; ; bucket = (bucket + 1) & this.#mask) {
      const entry = buckets[bucket * 2 + 1]!;
      if (entry === 0) return NOBODY;
      if (buckets[bucket * 2] === hash && this.#isNamed(entry, at, bytes)) return this.#arena[entry]!;
    }
  }

  /** Adds a user that `find` did not find, while there is room. Returns its balance index. */
  add(at: number, bytes: number, hash: number): number {
    if (this.isFull) throw new Error(`the table of ${this.usersMax} users is full`);
    let bucket = hash & this.#mask;
    while (this.#buckets[bucket * 2 + 1] !== 0) bucket = (bucket + 1) & this.#mask;
    const entry = this.#arenaEnd;
    const words = (bytes + 3) >> 2;
    const index = this.#takeIndex(hash >>> 24);
    this.#arena[entry] = index;
    this.#arena[entry + 1] = bytes;
    for (let word = 0; word < words; word++)
      this.#arena[entry + 2 + word] = nameWord(this.#names, at, bytes, word);
    this.#arenaEnd = entry + 2 + words;
    this.#buckets[bucket * 2] = hash;
    this.#buckets[bucket * 2 + 1] = entry;
    this.users += 1;
    return index;
  }

  #isNamed(entry: number, at: number, bytes: number): boolean {
    const arena = this.#arena;
    if (arena[entry + 1] !== bytes) return false;
    const whole = bytes >> 2;
    for (let word = 0; word < whole; word++) {
      if (arena[entry + 2 + word] !== this.#names.getInt32(at + word * 4, true)) return false;
    }
    return (bytes & 3) === 0 || arena[entry + 2 + whole] === nameWord(this.#names, at, bytes, whole);
  }

  #takeIndex(shard: number): number {
    let index = this.#nextOfShard[shard]!;
    if (index % BLOCK_USERS === 0) index = this.#nextBlock++ * BLOCK_USERS;
    this.#nextOfShard[shard] = index + 1;
    return index;
  }
}

function nameWord(names: DataView, at: number, bytes: number, word: number): number {
  const left = bytes - word * 4;
  const whole = names.getInt32(at + word * 4, true);
  return left >= 4 ? whole : whole & ((1 << (left * 8)) - 1);
}

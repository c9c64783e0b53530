/**
 * The directory of users: the bytes of a name in, the index of its balance out. The socket thread's own.
 *
 * Open-addressing tables of `[hash, entry]` pairs, at most half full, over an arena in which each user has
 * `[index, length, name in words]`: a look-up touches two places. Names are compared in 4-byte words,
 * the last one padded with zeros. Users are never removed, so the arena only grows; the system hands out its
 * pages when they are first touched, so room for a million users costs nothing until they come.
 *
 * Each shard has a table of its own, which doubles when it is half full. Tables that fit their users stay in the
 * processor's caches: one table with room for a million, in which ten thousand users lie far apart, made every event
 * of a busy connection cost a quarter more. And a shard doubles alone, so that no event waits for more than a part
 * in 256 of all users to be moved.
 *
 * Hash → shard → worker: a shard takes indices in blocks of a cache line, so two workers never write
 * balances on the same line.
 */
export const USER_BYTES_MAX = 128;
export const SHARDS = 256;

/** Balances on one cache line. */
const BLOCK_USERS = 8;
/** Pairs of a table that has no users yet. */
const PAIRS_MIN = 16;
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
  /** By shard: pairs of hash and entry; an entry of 0 is none. */
  readonly #tables: Int32Array[];
  readonly #usersOfShard = new Int32Array(SHARDS);
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
    this.#tables = Array.from({ length: SHARDS }, () => new Int32Array(2 * PAIRS_MIN));
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
    const table = this.#tables[hash >>> 24]!;
    const mask = table.length - 2;
    for (let pair = (hash << 1) & mask; ; pair = (pair + 2) & mask) {
      const entry = table[pair + 1]!;
      if (entry === 0) return NOBODY;
      if (table[pair] === hash && this.#isNamed(entry, at, bytes)) return this.#arena[entry]!;
    }
  }

  /** Adds a user that `find` did not find, while there is room. Returns its balance index. */
  add(at: number, bytes: number, hash: number): number {
    if (this.isFull) throw new Error(`the table of ${this.usersMax} users is full`);
    const shard = hash >>> 24;
    const entry = this.#arenaEnd;
    const words = (bytes + 3) >> 2;
    const index = this.#takeIndex(shard);
    this.#arena[entry] = index;
    this.#arena[entry + 1] = bytes;
    for (let word = 0; word < words; word++)
      this.#arena[entry + 2 + word] = nameWord(this.#names, at, bytes, word);
    this.#arenaEnd = entry + 2 + words;
    this.#usersOfShard[shard]! += 1;
    if (this.#usersOfShard[shard]! * 4 > this.#tables[shard]!.length) this.#double(shard);
    place(this.#tables[shard]!, hash, entry);
    this.users += 1;
    return index;
  }

  #double(shard: number): void {
    const table = this.#tables[shard]!;
    const doubled = new Int32Array(2 * table.length);
    for (let pair = 0; pair < table.length; pair += 2) {
      const entry = table[pair + 1]!;
      if (entry !== 0) place(doubled, table[pair]!, entry);
    }
    this.#tables[shard] = doubled;
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

/** Puts a pair where a look-up will come to it. */
function place(table: Int32Array, hash: number, entry: number): void {
  const mask = table.length - 2;
  let pair = (hash << 1) & mask;
  while (table[pair + 1] !== 0) pair = (pair + 2) & mask;
  table[pair] = hash;
  table[pair + 1] = entry;
}

function nameWord(names: DataView, at: number, bytes: number, word: number): number {
  const left = bytes - word * 4;
  const whole = names.getInt32(at + word * 4, true);
  return left >= 4 ? whole : whole & ((1 << (left * 8)) - 1);
}

/**
 * The table of users: the bytes of a name in, the index of its balance out. It has one owner, today the socket thread.
 *
 * An open-addressing table of records, at most three quarters full, in which a name of the usual length lies in the
 * record itself: a look-up touches one place. That counts more than anything else here: with one line at a time, the
 * kernel's work between two lines leaves little of this in the caches, and every place is fetched anew. For the same
 * reason the table is as large as its users need. Longer names lie in an arena beside it. Names are compared in 4-byte
 * words, the last one padded with zeros. Users are never removed.
 *
 * When the table is full, one twice as large takes its place, and every new user moves a few records over, so that no
 * event waits for all of them. Until all are there, who is not found in the new table is looked for in the old one.
 *
 * Hash → shard → worker: a shard takes indices in blocks of a cache line, so two workers never write
 * balances on the same line.
 */
import { USER_BYTES_MAX } from '../protocol/limits.ts';
import type { ParsedRequest } from '../protocol/request.ts';

export const SHARDS = 256;

/** Balances on one cache line. */
const BLOCK_USERS = 8;
/**
 * A record: the hash, the length in bytes (0: nobody), the index of the balance, and the name, or, where that is too
 * long, its place in the arena. Half a cache line.
 */
const RECORD_SHIFT = 3;
const RECORD_WORDS = 1 << RECORD_SHIFT;
const Field = { hash: 0, bytes: 1, index: 2, name: 3 } as const;
const NAME_BYTES = (RECORD_WORDS - Field.name) * 4;
const RECORDS_MIN = 1_024;
/** Records that each new user moves; the next table must not be full before all are moved. */
const MOVED_AT_ONCE = 8;

/** How many balances `usersMax` users need at most: a shard's last block may be partly used. */
export function balanceSlotsFor(usersMax: number): number {
  return usersMax + SHARDS * BLOCK_USERS;
}

/** A name where it lies in memory, and its hash. */
export type Name = Pick<ParsedRequest, 'nameAt' | 'nameBytes' | 'hash'>;

/** What a look-up answers for a user that is not there. */
export const NOBODY = -1;

export class UserTable {
  readonly usersMax: number;
  users = 0;
  readonly #names: DataView;
  #table: Int32Array = new Int32Array(RECORDS_MIN * RECORD_WORDS);
  /** The table before, while not all of its records are moved. */
  #outgrown: Int32Array | undefined;
  /** Where its records that are not moved yet start. */
  #unmoved = 0;
  readonly #arena: Int32Array;
  #arenaEnd = 0;
  readonly #workerOfShard: Uint8Array;
  /** Next index of each shard, and 0 where it needs a new block. */
  readonly #nextOfShard = new Int32Array(SHARDS);
  #nextBlock = 0;
  /** The way back, from a block to its shard, and how many blocks each shard has: where somebody wants to know. */
  #blocks: { shardOf: Uint8Array; taken: Int32Array } | undefined;

  /** `names` is where the names to look up lie; at least 3 bytes behind each must be readable. */
  constructor(names: DataView, usersMax: number, workers: number) {
    this.usersMax = usersMax;
    this.#names = names;
    // The system hands out its pages when they are first touched.
    this.#arena = new Int32Array((usersMax * USER_BYTES_MAX) / 4);
    this.#workerOfShard = Uint8Array.from({ length: SHARDS }, (_, shard) => shard % workers);
  }

  get isFull(): boolean {
    return this.users >= this.usersMax;
  }

  /** The worker that owns the users of this hash. */
  workerOf(hash: number): number {
    return this.#workerOfShard[hash >>> 24]!;
  }

  /** The balance index of a user, or `NOBODY`. */
  find({ nameAt, nameBytes, hash }: Name): number {
    const index = this.#findIn(this.#table, nameAt, nameBytes, hash);
    if (index !== NOBODY || this.#outgrown === undefined) return index;
    return this.#findIn(this.#outgrown, nameAt, nameBytes, hash);
  }

  /** Adds a user that `find` did not find, while there is room. Returns its balance index. */
  add(name: Name): number {
    const index = this.#takeIndex(name.hash >>> 24);
    this.#insert(name, index);
    return index;
  }

  /**
   * Puts a user back under the index it had. Users come back in the order of their indices, before any is added; the
   * shards then go on handing out indices where they had stopped.
   */
  restore(name: Name, index: number): void {
    const shard = name.hash >>> 24;
    const block = Math.trunc(index / BLOCK_USERS);
    while (this.#nextBlock <= block) this.#takeBlock(shard);
    this.#nextOfShard[shard] = index + 1;
    this.#insert(name, index);
  }

  /** Every user once, in no order: its hash, its index, and its name as bytes that are valid during the call only. */
  each(visit: (hash: number, index: number, name: Uint8Array) => void): void {
    this.#eachIn(this.#table, 0, visit);
    // Of the outgrown table, those that were not moved.
    if (this.#outgrown !== undefined) this.#eachIn(this.#outgrown, this.#unmoved, visit);
  }

  #insert({ nameAt: at, nameBytes: bytes, hash }: Name, index: number): void {
    if (this.isFull) throw new Error(`the table of ${this.usersMax} users is full`);
    this.users += 1;
    if (this.#outgrown !== undefined) this.#moveSome(this.#outgrown);
    else if (this.users * 4 * RECORD_WORDS > this.#table.length * 3) this.#grow();

    const record = freeRecord(this.#table, hash);
    this.#table[record + Field.hash] = hash;
    this.#table[record + Field.bytes] = bytes;
    this.#table[record + Field.index] = index;
    const words = (bytes + 3) >> 2;
    let place = record + Field.name;
    let target = this.#table;
    if (bytes > NAME_BYTES) {
      target[place] = this.#arenaEnd;
      target = this.#arena;
      place = this.#arenaEnd;
      this.#arenaEnd += words;
    }
    for (let word = 0; word < words; word++) target[place + word] = nameWord(this.#names, at, bytes, word);
  }

  /** From now on `shardOf` and `usersIn` answer. Call it before the first user; it costs a new block a byte. */
  keepShards(): void {
    const blocks = Math.ceil(balanceSlotsFor(this.usersMax) / BLOCK_USERS);
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

  #eachIn(
    table: Int32Array,
    from: number,
    visit: (hash: number, index: number, name: Uint8Array) => void,
  ): void {
    for (let record = from; record < table.length; record += RECORD_WORDS) {
      const bytes = table[record + Field.bytes]!;
      if (bytes === 0) continue;
      const words = bytes <= NAME_BYTES ? table : this.#arena;
      const place = bytes <= NAME_BYTES ? record + Field.name : table[record + Field.name]!;
      const name = new Uint8Array(words.buffer, words.byteOffset + place * 4, bytes);
      visit(table[record + Field.hash]!, table[record + Field.index]!, name);
    }
  }

  #findIn(table: Int32Array, at: number, bytes: number, hash: number): number {
    const mask = table.length - RECORD_WORDS;
    for (let record = (hash << RECORD_SHIFT) & mask; ; record = (record + RECORD_WORDS) & mask) {
      const recordBytes = table[record + Field.bytes]!;
      if (recordBytes === 0) return NOBODY;
      if (table[record + Field.hash] !== hash || recordBytes !== bytes) continue;
      const isHere =
        bytes <= NAME_BYTES
          ? this.#isNamed(table, record + Field.name, at, bytes)
          : this.#isNamed(this.#arena, table[record + Field.name]!, at, bytes);
      if (isHere) return table[record + Field.index]!;
    }
  }

  #isNamed(words: Int32Array, place: number, at: number, bytes: number): boolean {
    const whole = bytes >> 2;
    for (let word = 0; word < whole; word++) {
      if (words[place + word] !== this.#names.getInt32(at + word * 4, true)) return false;
    }
    const left = bytes & 3;
    if (left === 0) return true;
    return words[place + whole] === (this.#names.getInt32(at + whole * 4, true) & ((1 << (left * 8)) - 1));
  }

  #grow(): void {
    this.#outgrown = this.#table;
    this.#unmoved = 0;
    this.#table = new Int32Array(2 * this.#outgrown.length);
  }

  #moveSome(outgrown: Int32Array): void {
    const end = Math.min(this.#unmoved + MOVED_AT_ONCE * RECORD_WORDS, outgrown.length);
    for (let record = this.#unmoved; record < end; record += RECORD_WORDS) {
      if (outgrown[record + Field.bytes] === 0) continue;
      const target = freeRecord(this.#table, outgrown[record + Field.hash]!);
      for (let word = 0; word < RECORD_WORDS; word++) this.#table[target + word] = outgrown[record + word]!;
    }
    this.#unmoved = end;
    if (end === outgrown.length) this.#outgrown = undefined;
  }

  #takeIndex(shard: number): number {
    let index = this.#nextOfShard[shard]!;
    if (index % BLOCK_USERS === 0) index = this.#takeBlock(shard) * BLOCK_USERS;
    this.#nextOfShard[shard] = index + 1;
    return index;
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

/** Where a look-up of this hash that finds nobody ends. */
function freeRecord(table: Int32Array, hash: number): number {
  const mask = table.length - RECORD_WORDS;
  let record = (hash << RECORD_SHIFT) & mask;
  while (table[record + Field.bytes] !== 0) record = (record + RECORD_WORDS) & mask;
  return record;
}

function nameWord(names: DataView, at: number, bytes: number, word: number): number {
  const left = bytes - word * 4;
  const whole = names.getInt32(at + word * 4, true);
  return left >= 4 ? whole : whole & ((1 << (left * 8)) - 1);
}

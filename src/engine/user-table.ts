/**
 * The table of users: maps the bytes of a name to the index of its balance. Only one thread, the socket thread, uses
 * it.
 *
 * It is an open-addressing table of records, at most three quarters full. A name of the usual length is stored in its
 * record, so a look-up touches one place in memory. That matters most here: when a client sends line by line, the
 * kernel's work between two lines evicts most of the table from the caches, and every access is a cache miss. For the
 * same reason the table is no larger than its users need. Longer names are stored in an arena. Names are compared in
 * 4-byte words, the last one padded with zeros. Users are never removed.
 *
 * A full table is replaced by one twice as large. Each new user moves a few records to it, so that no event waits for
 * all of them; until all are moved, a user not found in the new table is looked up in the old one.
 *
 * Hash → shard → worker: a shard takes indices in blocks of a cache line, so two workers never write balances on the
 * same cache line.
 */
import { USER_BYTES_MAX } from '../protocol/limits.ts';
import type { ParsedRequest } from '../protocol/request.ts';

export const SHARDS = 256;

/** Balances on one cache line. */
const BLOCK_USERS = 8;
/**
 * A record is half a cache line: the hash, the length in bytes (0: the record is free), the index of the balance, and
 * the name, or, if that is too long, its offset in the arena.
 */
const RECORD_SHIFT = 3;
const RECORD_WORDS = 1 << RECORD_SHIFT;
const Field = { hash: 0, bytes: 1, index: 2, name: 3 } as const;
const NAME_BYTES = (RECORD_WORDS - Field.name) * 4;
const RECORDS_MIN = 1_024;
/** Records that each new user moves: enough that all are moved before the new table is full. */
const MOVED_AT_ONCE = 8;

/** The most balances that `usersMax` users can need: the last block of each shard may be partly used. */
export function balanceSlotsFor(usersMax: number): number {
  return usersMax + SHARDS * BLOCK_USERS;
}

/** The location of a name in memory, and its hash. */
export type Name = Pick<ParsedRequest, 'nameAt' | 'nameBytes' | 'hash'>;

/** The result of a look-up that finds no user. */
export const NOBODY = -1;

export class UserTable {
  readonly usersMax: number;
  users = 0;
  readonly #names: DataView;
  #table: Int32Array = new Int32Array(RECORDS_MIN * RECORD_WORDS);
  /** The previous table, until all of its records are moved. */
  #outgrown: Int32Array | undefined;
  /** The first of its records that is not moved yet. */
  #unmoved = 0;
  readonly #arena: Int32Array;
  #arenaEnd = 0;
  readonly #workerOfShard: Uint8Array;
  /** Next index of each shard, and 0 where it needs a new block. */
  readonly #nextOfShard = new Int32Array(SHARDS);
  #nextBlock = 0;
  /** Block → shard, and the number of blocks of each shard; kept only after `keepShards`. */
  #blocks: { shardOf: Uint8Array; taken: Int32Array } | undefined;

  /** `names` holds the names to look up; at least 3 bytes after each must be readable. */
  constructor(names: DataView, usersMax: number, workers: number) {
    this.usersMax = usersMax;
    this.#names = names;
    // Its pages become resident when they are first touched.
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

  /** Adds a user that `find` did not find; the table must not be full. Returns its balance index. */
  add(name: Name): number {
    const index = this.#takeIndex(name.hash >>> 24);
    this.#insert(name, index);
    return index;
  }

  /**
   * Restores a user under the index it had. Users must be restored in the order of their indices, before any is
   * added; the shards then continue to allocate indices where they had stopped.
   */
  restore(name: Name, index: number): void {
    const shard = name.hash >>> 24;
    const block = Math.trunc(index / BLOCK_USERS);
    while (this.#nextBlock <= block) this.#takeBlock(shard);
    this.#nextOfShard[shard] = index + 1;
    this.#insert(name, index);
  }

  /** Visits every user once, in no order: hash, index, and name as bytes that are valid during the call only. */
  each(visit: (hash: number, index: number, name: Uint8Array) => void): void {
    this.#eachIn(this.#table, 0, visit);
    // In the outgrown table, only the records that were not moved.
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

  /** Enables `shardOf` and `usersIn`. Must be called before the first user; costs a byte for each block. */
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

/** The free record at which an unsuccessful look-up of this hash ends. */
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

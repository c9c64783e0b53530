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
 * The table doubles in place, a few records with each new user, so no event waits for all of them (linear hashing).
 * Memory is reserved at the start, and the front of it is used. The records of the front are *split* in order: those
 * whose hash has the next bit move behind the front, in the same order. So fresh pages are touched one after the other.
 * Touched at random, as by the users of a new table, each would cost its user a page fault.
 *
 * Hash → shard → worker; which indices a shard gives to its users is in user-indices.ts.
 */
import { USER_BYTES_MAX } from '../protocol/limits.ts';
import type { ParsedRequest } from '../protocol/request.ts';
import { SHARDS, UserIndices } from './user-indices.ts';

/**
 * A record is half a cache line: the hash, the length in bytes (0: the record is free), the index of the balance, and
 * the name, or, if that is too long, its offset in the arena.
 */
const RECORD_SHIFT = 3;
const RECORD_WORDS = 1 << RECORD_SHIFT;
const Field = { hash: 0, bytes: 1, index: 2, name: 3 } as const;
const NAME_BYTES = (RECORD_WORDS - Field.name) * 4;
const RECORDS_MIN = 1_024;
/** The table begins to double at this share. Each new user splits so many records, so it ends before three quarters. */
const SPLIT_FROM = 5 / 8;
const SPLIT_AT_ONCE = 8;

/** The location of a name in memory, and its hash. */
export type Name = Pick<ParsedRequest, 'nameAt' | 'nameBytes' | 'hash'>;

/** The result of a look-up that finds no user. */
export const NOBODY = -1;
/** The result of a visit behind which nobody is left. */
export const ALL_VISITED = -1;

/** Is shown a user: the name is `length` of the bytes from `at` on, during the call only. */
export type Visit = (bytes: Uint8Array, at: number, length: number, index: number, hash: number) => void;

export class UserTable {
  readonly usersMax: number;
  users = 0;
  readonly indices: UserIndices;
  readonly #names: DataView;
  readonly #table: Int32Array;
  /** The words of the front: a power of two. */
  #front = RECORDS_MIN * RECORD_WORDS;
  /** While the table doubles, the first record of the front that is not split; otherwise 0. */
  #split = 0;
  /** With more users, the table begins to double. */
  #splitFrom = RECORDS_MIN * SPLIT_FROM;
  readonly #arena: Int32Array;
  /** The same memory as bytes. */
  readonly #tableBytes: Uint8Array;
  readonly #arenaBytes: Uint8Array;
  #arenaEnd = 0;
  readonly #workerOfShard: Uint8Array;

  /** `names` holds the names to look up; at least 3 bytes after each must be readable. */
  constructor(names: DataView, usersMax: number, workers: number) {
    this.usersMax = usersMax;
    this.indices = new UserIndices(usersMax);
    this.#names = names;
    // Enough that the last front never doubles. Pages become resident when they are first touched.
    const records = 2 ** Math.ceil(Math.log2(Math.max(usersMax / SPLIT_FROM, RECORDS_MIN)));
    this.#table = new Int32Array(records * RECORD_WORDS);
    this.#arena = new Int32Array((usersMax * USER_BYTES_MAX) / 4);
    this.#tableBytes = new Uint8Array(this.#table.buffer);
    this.#arenaBytes = new Uint8Array(this.#arena.buffer);
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
    const table = this.#table;
    const last = table.length - RECORD_WORDS;
    for (let record = this.#homeOf(hash); ; record = (record + RECORD_WORDS) & last) {
      const bytes = table[record + Field.bytes]!;
      if (bytes === 0) return NOBODY;
      if (table[record + Field.hash] !== hash || bytes !== nameBytes) continue;
      const isHere =
        bytes <= NAME_BYTES
          ? this.#isNamed(table, record + Field.name, nameAt, bytes)
          : this.#isNamed(this.#arena, table[record + Field.name]!, nameAt, bytes);
      if (isHere) return table[record + Field.index]!;
    }
  }

  /** Adds a user that `find` did not find; the table must not be full. Returns its balance index. */
  add(name: Name): number {
    const index = this.indices.take(name.hash >>> 24);
    this.#insert(name, index);
    return index;
  }

  /**
   * Restores a user under the index it had. Users must be restored in the order of their indices, before any is
   * added; the shards then continue to allocate indices where they had stopped.
   */
  restore(name: Name, index: number): void {
    this.indices.restore(name.hash >>> 24, index);
    this.#insert(name, index);
  }

  /**
   * Visits users in no order: those in some `records` records, from record `from` on. Returns where to go on, or
   * `ALL_VISITED`. Between two visits users may come, and records be split: whoever was there before the first is visited
   * once at least, and once if nobody comes.
   *
   * For a visit ends at a free record, and whoever lies behind that belongs behind it, before and after a split. Only at
   * the end of the table may a record be put at its beginning: those are visited at the end.
   */
  visit(visit: Visit, from = 0, records = this.#table.length): number {
    const table = this.#table;
    for (let record = from; record < table.length; record += RECORD_WORDS) {
      if (table[record + Field.bytes] === 0) {
        // Records that belong before the end may lie behind it, without a gap.
        if (record >= this.#front + this.#split) return ALL_VISITED;
        if (record >= from + records * RECORD_WORDS) return record;
      } else if (!this.#isWrapped(record)) this.#show(record, visit);
    }
    for (let record = 0; table[record + Field.bytes] !== 0; record += RECORD_WORDS)
      if (this.#isWrapped(record)) this.#show(record, visit);
    return ALL_VISITED;
  }

  /** It belongs to the end of the table, where there was no room. */
  #isWrapped(record: number): boolean {
    return this.#homeOf(this.#table[record + Field.hash]!) > record;
  }

  #show(record: number, visit: Visit): void {
    const table = this.#table;
    const length = table[record + Field.bytes]!;
    const isInRecord = length <= NAME_BYTES;
    const place = isInRecord ? record + Field.name : table[record + Field.name]!;
    const bytes = isInRecord ? this.#tableBytes : this.#arenaBytes;
    visit(bytes, place * 4, length, table[record + Field.index]!, table[record + Field.hash]!);
  }

  #insert({ nameAt: at, nameBytes: bytes, hash }: Name, index: number): void {
    if (this.isFull) throw new Error(`the table of ${this.usersMax} users is full`);
    this.users += 1;
    if (this.#split > 0 || this.users > this.#splitFrom) this.#splitSome();

    const record = this.#freeRecord(hash);
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

  #isNamed(words: Int32Array, place: number, at: number, bytes: number): boolean {
    const whole = bytes >> 2;
    for (let word = 0; word < whole; word++) {
      if (words[place + word] !== this.#names.getInt32(at + word * 4, true)) return false;
    }
    const left = bytes & 3;
    if (left === 0) return true;
    return words[place + whole] === (this.#names.getInt32(at + whole * 4, true) & ((1 << (left * 8)) - 1));
  }

  /** Where the look-up of a hash begins. The next bit of a split record is added without a branch. */
  #homeOf(hash: number): number {
    const place = hash << RECORD_SHIFT;
    const home = place & (this.#front - RECORD_WORDS);
    return home | (place & this.#front & ((home - this.#split) >> 31));
  }

  /** The free record at which an unsuccessful look-up of a hash ends. */
  #freeRecord(hash: number): number {
    const table = this.#table;
    const last = table.length - RECORD_WORDS;
    let record = this.#homeOf(hash);
    while (table[record + Field.bytes] !== 0) record = (record + RECORD_WORDS) & last;
    return record;
  }

  /**
   * Splits the next records, up to a free one: no record behind that belongs before it. Each is inserted again, in
   * order, so none lands behind a record that is still to be moved. The front has more records than there are users,
   * so the free one lies within the table.
   */
  #splitSome(): void {
    const table = this.#table;
    const from = this.#split;
    let end = from + SPLIT_AT_ONCE * RECORD_WORDS;
    while (table[end + Field.bytes] !== 0) end += RECORD_WORDS;
    this.#split = Math.min(end, this.#front);
    for (let record = from; record < end; record += RECORD_WORDS) {
      const bytes = table[record + Field.bytes]!;
      if (bytes === 0) continue;
      table[record + Field.bytes] = 0;
      const target = this.#freeRecord(table[record + Field.hash]!);
      for (let word = 0; word < RECORD_WORDS; word++) table[target + word] = table[record + word]!;
      table[target + Field.bytes] = bytes;
    }
    if (this.#split < this.#front) return;
    this.#front *= 2;
    this.#split = 0;
    this.#splitFrom *= 2;
  }
}

function nameWord(names: DataView, at: number, bytes: number, word: number): number {
  const left = bytes - word * 4;
  const whole = names.getInt32(at + word * 4, true);
  return left >= 4 ? whole : whole & ((1 << (left * 8)) - 1);
}

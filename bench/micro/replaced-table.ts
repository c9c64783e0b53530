/**
 * A contrast to the server's table of users, and what it was before: a full table is replaced by one twice as large,
 * to which each new user moves eight records. New users lie anywhere in the new table, whose pages are all fresh.
 * Same records, same hash, same load; names of up to 20 bytes only.
 */
import { type Name, NOBODY } from '../../src/engine/user-table.ts';

const RECORD_SHIFT = 3;
const RECORD_WORDS = 1 << RECORD_SHIFT;
const Field = { hash: 0, bytes: 1, index: 2, name: 3 } as const;
const RECORDS_MIN = 1_024;
const MOVED_AT_ONCE = 8;

export class ReplacedTable {
  users = 0;
  readonly #names: DataView;
  #table = new Int32Array(RECORDS_MIN * RECORD_WORDS);
  #outgrown: Int32Array | undefined;
  #unmoved = 0;

  constructor(names: DataView) {
    this.#names = names;
  }

  find(name: Name): number {
    const index = this.#findIn(this.#table, name);
    return index === NOBODY && this.#outgrown !== undefined ? this.#findIn(this.#outgrown, name) : index;
  }

  add({ nameAt, nameBytes, hash }: Name): void {
    if (this.#outgrown !== undefined) this.#moveSome(this.#outgrown);
    else if ((this.users + 1) * 4 * RECORD_WORDS > this.#table.length * 3) this.#replace();
    const record = freeRecord(this.#table, hash);
    this.#table[record + Field.hash] = hash;
    this.#table[record + Field.bytes] = nameBytes;
    this.#table[record + Field.index] = this.users++;
    for (let at = 0; at < nameBytes; at += 4)
      this.#table[record + Field.name + (at >> 2)] = this.#names.getInt32(nameAt + at, true);
  }

  #findIn(table: Int32Array, { nameAt, nameBytes, hash }: Name): number {
    const mask = table.length - RECORD_WORDS;
    let record = (hash << RECORD_SHIFT) & mask;
    for (; table[record + Field.bytes] !== 0; record = (record + RECORD_WORDS) & mask)
      if (table[record + Field.hash] === hash && this.#isNamed(table, record + Field.name, nameAt, nameBytes))
        return table[record + Field.index]!;
    return NOBODY;
  }

  #isNamed(table: Int32Array, place: number, nameAt: number, nameBytes: number): boolean {
    for (let at = 0; at < nameBytes; at += 4)
      if (table[place + (at >> 2)] !== this.#names.getInt32(nameAt + at, true)) return false;
    return true;
  }

  #replace(): void {
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
}

function freeRecord(table: Int32Array, hash: number): number {
  const mask = table.length - RECORD_WORDS;
  let record = (hash << RECORD_SHIFT) & mask;
  while (table[record + Field.bytes] !== 0) record = (record + RECORD_WORDS) & mask;
  return record;
}

/** A map in shared memory, from whole numbers above 0 to whole numbers: pairs of key and value, with open addressing. */

export type Table = Int32Array<SharedArrayBuffer>;

/** Of keys from 1 to `entries`, each with this value; half of its places stay empty. `places` is a power of two. */
export function createTable(keys: readonly number[], value: number): Table {
  const places = 2 ** Math.ceil(Math.log2(Math.max(1, keys.length) * 2));
  const table = new Int32Array(new SharedArrayBuffer(places * 8));
  for (const key of keys) {
    const at = placeOf(table, key);
    table[at] = key;
    table[at + 1] = value;
  }
  return table;
}

export function get(table: Table, key: number): number {
  return table[placeOf(table, key) + 1]!;
}

export function add(table: Table, key: number, amount: number): void {
  table[placeOf(table, key) + 1]! += amount;
}

/** Of the values from one place up to another, as shares of all places. */
export function sum(table: Table, from: number, to: number): number {
  let total = 0;
  for (let at = from * table.length; at < to * table.length; at += 2) total += table[at + 1]!;
  return total;
}

/** Where the key is, or the empty place where it would be. */
function placeOf(table: Table, key: number): number {
  const mask = table.length - 2;
  let at = (Math.imul(key, 0x9e3779b1) >>> 8) & mask;
  while (table[at] !== key && table[at] !== 0) at = (at + 2) & mask;
  return at;
}

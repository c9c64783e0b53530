/**
 * Four ways to share a map between threads: one lock, one lock that readers share, such a lock for each of 64 parts, and
 * no lock for readers at all: a writer changes a copy, and then says which copy is the one to read.
 */
import {
  acquireRead,
  acquireWrite,
  createLock,
  type Lock,
  releaseRead,
  releaseWrite,
} from '../../08-sharded-locks/lock.ts';
import { add, createTable, get, sum, type Table } from './table.ts';

export const WAYS = ['one lock', 'read-write lock', '64 locks', 'copy on write'] as const;
export type WayName = (typeof WAYS)[number];

/** What the threads share. */
export interface Store {
  way: WayName;
  /** Parts of the map; of copy on write, copies of all of it. */
  tables: Table[];
  locks: Lock[];
  /** Copy on write: which copy is to be read, and behind it, 128 bytes apart, which one each thread reads; 0: none. */
  words: Int32Array<SharedArrayBuffer>;
}

export interface Way {
  get(key: number): number;
  /** Takes 1 from one key and gives it to another: two changes, and nobody may see one without the other. */
  move(from: number, to: number): void;
  /** The sum of all values, with `pause` in the middle: it cannot change. */
  total(pause: () => void): number;
}

export const VALUE = 1_000;
const PARTS = 64;
const WORDS_APART = 32;
const NO_PAUSE = () => {};

export function createStore(way: WayName, entries: number, threads: number): Store {
  const keys = Array.from({ length: entries }, (_, index) => index + 1);
  const words = new Int32Array(new SharedArrayBuffer((threads + 1) * WORDS_APART * 4));
  if (way === 'copy on write') {
    // While one thread writes, the others read at most one copy each, and one is to be read: one is left.
    const tables = Array.from({ length: threads + 1 }, () => createTable(keys, VALUE));
    return { way, tables, locks: [createLock()], words };
  }
  const parts = Array.from({ length: way === '64 locks' ? PARTS : 1 }, (_, part) => part);
  const tables = parts.map(part =>
    createTable(
      keys.filter(key => key % parts.length === part),
      VALUE,
    ),
  );
  return { way, tables, locks: parts.map(createLock), words };
}

/** For the thread of this number, from 0. */
export function openStore(store: Store, thread: number): Way {
  return store.way === 'copy on write' ? new Copies(store, thread) : new Locked(store);
}

class Locked implements Way {
  readonly #tables: Table[];
  readonly #locks: Lock[];
  readonly #acquire: (lock: Lock) => void;
  readonly #release: (lock: Lock) => void;

  constructor({ way, tables, locks }: Store) {
    this.#tables = tables;
    this.#locks = locks;
    [this.#acquire, this.#release] =
      way === 'one lock' ? [acquireWrite, releaseWrite] : [acquireRead, releaseRead];
  }

  get(key: number): number {
    const part = key % this.#locks.length;
    this.#acquire(this.#locks[part]!);
    const value = get(this.#tables[part]!, key);
    this.#release(this.#locks[part]!);
    return value;
  }

  /** The lock of the lower number first: two threads that each have the lock that the other one wants wait for ever. */
  move(from: number, to: number): void {
    const [one, other] = [from % this.#locks.length, to % this.#locks.length].sort((a, b) => a - b);
    acquireWrite(this.#locks[one!]!);
    if (other !== one) acquireWrite(this.#locks[other!]!);
    add(this.#tables[from % this.#locks.length]!, from, -1);
    add(this.#tables[to % this.#locks.length]!, to, 1);
    if (other !== one) releaseWrite(this.#locks[other!]!);
    releaseWrite(this.#locks[one!]!);
  }

  /** One part after the other, as nobody likes to stop all writers. */
  total(pause: () => void): number {
    let total = 0;
    for (const [part, table] of this.#tables.entries()) {
      const isMiddle = part === this.#tables.length >> 1;
      this.#acquire(this.#locks[part]!);
      total += totalOf(table, isMiddle ? pause : NO_PAUSE);
      this.#release(this.#locks[part]!);
    }
    return total;
  }
}

class Copies implements Way {
  readonly #copies: Table[];
  readonly #writing: Lock;
  readonly #words: Int32Array;
  readonly #mine: number;

  constructor({ tables, locks, words }: Store, thread: number) {
    this.#copies = tables;
    this.#writing = locks[0]!;
    this.#words = words;
    this.#mine = (thread + 1) * WORDS_APART;
  }

  get(key: number): number {
    const value = get(this.#enter(), key);
    this.#leave();
    return value;
  }

  total(pause: () => void): number {
    const total = totalOf(this.#enter(), pause);
    this.#leave();
    return total;
  }

  move(from: number, to: number): void {
    acquireWrite(this.#writing);
    const current = Atomics.load(this.#words, 0);
    const next = this.#copies.findIndex((_, copy) => copy !== current && !this.#isRead(copy));
    this.#copies[next]!.set(this.#copies[current]!);
    add(this.#copies[next]!, from, -1);
    add(this.#copies[next]!, to, 1);
    Atomics.store(this.#words, 0, next);
    releaseWrite(this.#writing);
  }

  /** Says what it reads before it reads. Looks again behind that: a writer may have looked before, and seen nobody. */
  #enter(): Table {
    for (;;) {
      const current = Atomics.load(this.#words, 0);
      Atomics.store(this.#words, this.#mine, current + 1);
      if (Atomics.load(this.#words, 0) === current) return this.#copies[current]!;
    }
  }

  #leave(): void {
    Atomics.store(this.#words, this.#mine, 0);
  }

  #isRead(copy: number): boolean {
    for (let word = WORDS_APART; word < this.#words.length; word += WORDS_APART)
      if (Atomics.load(this.#words, word) === copy + 1) return true;
    return false;
  }
}

function totalOf(table: Table, pause: () => void): number {
  const half = sum(table, 0, 0.5);
  pause();
  return half + sum(table, 0.5, 1);
}

/**
 * A page of users: of all that come behind a name, those that come first, in the order of their bytes.
 *
 * The table of users has no order. So it is looked through as a whole, and the first ones are kept: a heap that never has
 * more than the page needs, with the last of them in front, where the next one that comes before it takes its place.
 */
import { ALL_VISITED, type UserTable, type Visit } from '../engine/user-table.ts';

/** Records that one step looks at: some microseconds. */
const STEP_RECORDS = 512;

export interface User {
  readonly name: Uint8Array;
  readonly index: number;
  readonly hash: number;
}

export interface Page {
  /** In order. */
  readonly users: readonly User[];
  /** There are others behind them. */
  readonly hasMore: boolean;
}

export interface PageOptions {
  /** Names begin with it. */
  readonly prefix: Uint8Array;
  /** Names come behind it. */
  readonly after: Uint8Array;
  readonly limit: number;
}

/** Whoever was there before the first step, and belongs on the page, is on it. */
export function* findPage(table: UserTable, options: PageOptions): Generator<void, Page> {
  // One more: it is not on the page, and says that there are more.
  const first = new First(options, options.limit + 1);
  const show: Visit = (bytes, at, length, index, hash) => first.look(bytes, at, length, index, hash);
  for (let from = table.visit(show, 0, STEP_RECORDS); from !== ALL_VISITED; ) {
    yield;
    from = table.visit(show, from, STEP_RECORDS);
  }
  const users = first.inOrder();
  return { users: users.slice(0, options.limit), hasMore: users.length > options.limit };
}

class First {
  readonly #options: PageOptions;
  readonly #countMax: number;
  /** Each comes behind the two at twice its place, plus one and plus two. */
  readonly #heap: User[] = [];
  /** Those in the heap: somebody may be shown twice. */
  readonly #indices = new Set<number>();

  constructor(options: PageOptions, countMax: number) {
    this.#options = options;
    this.#countMax = countMax;
  }

  look(bytes: Uint8Array, at: number, length: number, index: number, hash: number): void {
    const { prefix, after } = this.#options;
    const isFull = this.#heap.length === this.#countMax;
    const last = this.#heap[0];
    if (isFull && order(bytes, at, length, last!.name) >= 0) return;
    if (order(bytes, at, Math.min(length, prefix.length), prefix) !== 0) return;
    if (order(bytes, at, length, after) <= 0 || this.#indices.has(index)) return;
    const user = { name: bytes.slice(at, at + length), index, hash };
    this.#indices.add(index);
    if (isFull) {
      this.#indices.delete(last!.index);
      this.#sink(user);
    } else this.#rise(user);
  }

  inOrder(): User[] {
    return this.#heap.sort((one, other) => orderOf(one, other));
  }

  /** Puts it at the end, or before those that come before it. */
  #rise(user: User): void {
    const heap = this.#heap;
    let place = heap.length;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (orderOf(heap[above]!, user) > 0) break;
      heap[place] = heap[above]!;
      place = above;
    }
    heap[place] = user;
  }

  /** Puts it into the place of the first, or behind those that come behind it. */
  #sink(user: User): void {
    const heap = this.#heap;
    let place = 0;
    for (let below = 1; below < heap.length; below = 2 * place + 1) {
      if (below + 1 < heap.length && orderOf(heap[below + 1]!, heap[below]!) > 0) below += 1;
      if (orderOf(heap[below]!, user) < 0) break;
      heap[place] = heap[below]!;
      place = below;
    }
    heap[place] = user;
  }
}

function orderOf({ name }: User, other: User): number {
  return order(name, 0, name.length, other.name);
}

/** Below 0 if the `length` bytes from `at` on come before the name, above 0 if behind it. */
function order(bytes: Uint8Array, at: number, length: number, name: Uint8Array): number {
  const common = Math.min(length, name.length);
  for (let place = 0; place < common; place++) {
    const difference = bytes[at + place]! - name[place]!;
    if (difference !== 0) return difference;
  }
  return length - name.length;
}

/**
 * Finds data races, with vector clocks: two accesses of one place by two threads, at least one of them a write and at
 * least one of them plain, and nothing that orders them.
 *
 * Schedules are walked as if memory were sequentially consistent. A program that has no data race in any such schedule
 * has no other behaviour either, by the memory model of the language. So an exploration that finds no race needs no
 * further assumption about memory; one that finds a race says so, and the schedule is wrong.
 *
 * What orders: a store (or any other write by `Atomics`) and the load that sees it; a `notify` and whom it wakes; what
 * a thread did earlier and later. Where the language orders more than that, this does not: it may call a race what is
 * none, never the other way round.
 *
 * The tables lie in shared memory. Only the thread that has the turn uses them.
 */

/** Threads at most. */
export const THREADS_MAX = 4;
const T = THREADS_MAX;
const CELL_BYTES = 4;

/** Words of the head: clocks of each thread, clocks left for whoever is woken, the race, the number of touched cells. */
const CLOCKS = 0;
const WAKES = T * T;
const RACE = 2 * T * T;
const TOUCHED = RACE + 1;
const HEAD_WORDS = TOUCHED + 1;

/** Words of a cell, one for each 4 bytes of explored memory. Clocks of the last accesses by each thread, and those released. */
const READ = 0;
const WROTE = T;
const LOADED = 2 * T;
const STORED = 3 * T;
const RELEASED = 4 * T;
const IS_TOUCHED = 5 * T;
const CELL_WORDS = 5 * T + 1;

export class Races {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #cells: number;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
    this.#cells = (this.#words.length - HEAD_WORDS) / (CELL_WORDS + 1);
  }

  static forMemory(bytes: number): Races {
    const cells = Math.ceil(bytes / 4);
    return new Races(new SharedArrayBuffer((HEAD_WORDS + cells * (CELL_WORDS + 1)) * 4));
  }

  /** The address of the first race of this run; undefined if there was none. */
  get found(): number | undefined {
    const race = this.#words[RACE]!;
    return race === 0 ? undefined : (race - 1) * 4;
  }

  /** Before a run. */
  reset(): void {
    const words = this.#words;
    for (let touched = 0; touched < words[TOUCHED]!; touched++) {
      const cell = this.#cellAt(words[HEAD_WORDS + touched]!);
      words.fill(0, cell, cell + CELL_WORDS);
    }
    words.fill(0, 0, HEAD_WORDS);
    for (let thread = 0; thread < T; thread++) words[CLOCKS + thread * T + thread] = 1;
  }

  read(thread: number, address: number, bytes = CELL_BYTES): void {
    for (let at = address; at < address + bytes; at += CELL_BYTES) {
      const cell = this.#touch(at);
      this.#check(thread, cell + WROTE, at);
      this.#check(thread, cell + STORED, at);
      this.#words[cell + READ + thread] = this.#clockOf(thread);
    }
  }

  write(thread: number, address: number, bytes = CELL_BYTES): void {
    for (let at = address; at < address + bytes; at += CELL_BYTES) {
      const cell = this.#touch(at);
      for (const kind of [READ, WROTE, LOADED, STORED]) this.#check(thread, cell + kind, at);
      this.#words[cell + WROTE + thread] = this.#clockOf(thread);
    }
  }

  /** A load by `Atomics`: sees what the store that it reads from has released. */
  load(thread: number, address: number, bytes = CELL_BYTES): void {
    for (let at = address; at < address + bytes; at += CELL_BYTES) {
      const cell = this.#touch(at);
      this.#check(thread, cell + WROTE, at);
      this.#words[cell + LOADED + thread] = this.#clockOf(thread);
      this.#join(thread, cell + RELEASED);
    }
  }

  /** A store by `Atomics`. One that also reads calls `load` first. */
  store(thread: number, address: number, bytes = CELL_BYTES): void {
    for (let at = address; at < address + bytes; at += CELL_BYTES) {
      const cell = this.#touch(at);
      this.#check(thread, cell + READ, at);
      this.#check(thread, cell + WROTE, at);
      this.#words[cell + STORED + thread] = this.#clockOf(thread);
      this.#copyClocks(thread, cell + RELEASED);
    }
    this.#tick(thread);
  }

  /** `woken` as bits. */
  wake(thread: number, woken: number): void {
    for (let other = 0; other < T; other++)
      if ((woken & (1 << other)) !== 0) this.#copyClocks(thread, WAKES + other * T);
    this.#tick(thread);
  }

  awake(thread: number): void {
    this.#join(thread, WAKES + thread * T);
  }

  /** A thread that starts when another has died knows all that one did. */
  succeed(thread: number, dead: number): void {
    this.#join(thread, CLOCKS + dead * T);
  }

  /** Two hashes of what orders what so far, without regard to the order in which it came about. */
  get hashes(): [number, number] {
    const words = this.#words;
    let one = 0;
    let other = 0;
    for (let touched = 0; touched < words[TOUCHED]!; touched++) {
      const index = words[HEAD_WORDS + touched]!;
      const cell = this.#cellAt(index);
      let hash = Math.imul(index + 1, 0x9e3779b1);
      let another = Math.imul(index + 1, 0x27d4eb2f);
      for (let word = 0; word < CELL_WORDS; word++) {
        hash = Math.imul(hash ^ words[cell + word]!, 0x85ebca6b) ^ (hash >>> 15);
        another = Math.imul(another + words[cell + word]!, 0xc2b2ae35) ^ (another >>> 13);
      }
      one = (one + hash) | 0;
      other = (other + another) | 0;
    }
    for (let word = 0; word < RACE; word++) {
      one = Math.imul(one ^ words[word]!, 0xc2b2ae35) ^ (one >>> 13);
      other = Math.imul(other + words[word]!, 0x85ebca6b) ^ (other >>> 15);
    }
    return [one, other];
  }

  #cellAt(index: number): number {
    return HEAD_WORDS + this.#cells + index * CELL_WORDS;
  }

  #touch(address: number): number {
    const words = this.#words;
    const cell = this.#cellAt(address >> 2);
    if (words[cell + IS_TOUCHED] === 0) {
      words[cell + IS_TOUCHED] = 1;
      words[HEAD_WORDS + words[TOUCHED]!] = address >> 2;
      words[TOUCHED]! += 1;
    }
    return cell;
  }

  #clockOf(thread: number): number {
    return this.#words[CLOCKS + thread * T + thread]!;
  }

  #tick(thread: number): void {
    this.#words[CLOCKS + thread * T + thread]! += 1;
  }

  /** Has every access in this row come before what the thread does now? */
  #check(thread: number, row: number, address: number): void {
    const words = this.#words;
    for (let other = 0; other < T; other++) {
      if (other === thread || words[row + other]! <= words[CLOCKS + thread * T + other]!) continue;
      if (words[RACE] === 0) words[RACE] = (address >> 2) + 1;
    }
  }

  #join(thread: number, row: number): void {
    const words = this.#words;
    for (let other = 0; other < T; other++) {
      const at = CLOCKS + thread * T + other;
      words[at] = Math.max(words[at]!, words[row + other]!);
    }
  }

  #copyClocks(thread: number, row: number): void {
    this.#words.copyWithin(row, CLOCKS + thread * T, CLOCKS + (thread + 1) * T);
  }
}

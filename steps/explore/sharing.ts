/**
 * Which thread reads and writes which words. An operation on a word that no other thread can notice (nobody else writes
 * it, and nobody else reads it or it is only read) changes nothing for anybody, whenever it happens: it is no moment at
 * which schedules part, and the thread does not stop there.
 *
 * Who uses what is not known before all schedules are walked. So a walk starts with what is known, notes what it sees,
 * and is begun anew when it has seen something new; the last one has seen nothing new, and so was right from its start.
 *
 * The tables lie in shared memory. Only the thread that has the turn uses them.
 */

/** Words of the head: how much is known, threads that still may do something, and whether every operation is a stop. */
const KNOWN = 0;
const ACTIVE = 1;
const STOPS_ALWAYS = 2;
const HEAD_WORDS = 4;
/** Words of a cell, one for each 4 bytes: threads that read it and threads that write it, as bits. */
const READERS = 0;
const WRITERS = 1;
const CELL_WORDS = 2;
const CELL_BYTES = 4;

export class Sharing {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  static forMemory(bytes: number): Sharing {
    const words = HEAD_WORDS + Math.ceil(bytes / 4) * CELL_WORDS;
    return new Sharing(new SharedArrayBuffer(words * 4));
  }

  /** Grows with everything that is learned. */
  get known(): number {
    return this.#words[KNOWN]!;
  }

  set active(threads: number) {
    this.#words[ACTIVE] = threads;
  }

  get stopsAlways(): boolean {
    return this.#words[STOPS_ALWAYS] === 1;
  }

  set stopsAlways(isOn: boolean) {
    this.#words[STOPS_ALWAYS] = isOn ? 1 : 0;
  }

  /** Notes an access; true if another thread that still may do something can notice when it happens. */
  note(thread: number, address: number, bytes: number, isRead: boolean, isWrite: boolean): boolean {
    const words = this.#words;
    const own = 1 << thread;
    const others = words[ACTIVE]! & ~own;
    let isNoticed = words[STOPS_ALWAYS] === 1;
    for (let at = address; at < address + bytes; at += CELL_BYTES) {
      const cell = HEAD_WORDS + (at / CELL_BYTES) * CELL_WORDS;
      const readers = words[cell + READERS]! | (isRead ? own : 0);
      const writers = words[cell + WRITERS]! | (isWrite ? own : 0);
      if (readers !== words[cell + READERS] || writers !== words[cell + WRITERS]) words[KNOWN]! += 1;
      words[cell + READERS] = readers;
      words[cell + WRITERS] = writers;
      isNoticed ||= (writers & others) !== 0 || (isWrite && (readers & others) !== 0);
    }
    return isNoticed;
  }
}

/**
 * The socket thread's side of a lane: whether the journal has room for what is accepted next.
 *
 * What is in the ring must fit into segments that exist, however the worker cuts it into blocks. So each event counts as
 * the most that it can take, a block of its own, and all names that can be on their way are set aside.
 */
import { EXTRA_BYTES } from '../engine/extra.ts';
import type { LaneRecorder } from '../engine/recording.ts';
import { BLOCK_HEADER_BYTES, SLOT_BYTES } from './format.ts';
import { Count, type JournalLane, namesBytesFor, Word } from './memory.ts';
import { NameProducer } from './names.ts';

/** Without its name: a header, a slot, an amount and an extra. */
const EVENT_BYTES_MAX = BLOCK_HEADER_BYTES + 2 * SLOT_BYTES + EXTRA_BYTES;
/** A segment is left when less than one block fits: a small part of it, whatever its size. */
const LOST_PART = 1 / 128;
const LOST_BYTES = 8_192;

/** Bytes of segments with which a full ring can always be written. */
export function roomNeeded(ringSlots: number): number {
  return (ringSlots * EVENT_BYTES_MAX + namesBytesFor(ringSlots) + LOST_BYTES) * (1 + 2 * LOST_PART);
}

export class Recorder implements LaneRecorder {
  readonly #memory: JournalLane;
  readonly #names: NameProducer;
  isDiskFull = false;

  constructor(memory: JournalLane) {
    this.#memory = memory;
    this.#names = new NameProducer(memory);
  }

  roomBehind(head: number, tail: number): number {
    const { words, counts, names } = this.#memory;
    const capacity = Number(Atomics.load(counts, Count.capacity));
    const left = capacity - Number(Atomics.load(counts, Count.used));
    const usable = left * (1 - LOST_PART) - LOST_BYTES - names.length;
    const room = Math.floor(usable / EVENT_BYTES_MAX) - ((tail - head) | 0);
    this.isDiskFull = room <= 0 && Atomics.load(words, Word.full) === 1;
    return Math.max(0, room);
  }

  hasNameRoom(bytes: number, head: number): boolean {
    return this.#names.hasRoom(bytes, head);
  }

  addName(sequence: number, index: number, from: DataView, at: number, bytes: number): void {
    this.#names.push(sequence, index, from, at, bytes);
  }
}

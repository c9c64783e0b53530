/**
 * Writes the events of one worker to its lane. Only that worker uses it.
 *
 * A run is written before it is applied, from the ring, as it lies there. What has been written is kept in shared
 * memory as a *place*: the events up to `end` are in the file, and the next block goes behind them. There are two
 * places, written in turn, each with its version last, so the newer one is always whole. A worker that died behind a
 * write and before its place was kept has applied nothing of that block: its successor writes it again, over it.
 */
import { EXTRA_BYTES } from '../engine/extra.ts';
import type { LaneMemory } from '../engine/memory-layout.ts';
import type { RunWriter } from '../engine/recording.ts';
import { RICH } from '../engine/ring.ts';
import { EXTRA_WORDS } from '../engine/words.ts';
import type { Disk, DiskFile } from './disk.ts';
import {
  BLOCK_BYTES_MIN,
  BLOCK_HEADER_BYTES,
  bytesBefore,
  nameRecordBytes,
  putHeader,
  SEGMENT_HEADER_BYTES,
  type Secret,
  SLOT_BYTES,
  sealBlock,
  segmentName,
  segmentSize,
} from './format.ts';
import {
  BUCKETS,
  bucketMs,
  Count,
  ENTERED_UNIT,
  Field,
  Head,
  headOf,
  type JournalLane,
  journalLaneOf,
  PLACE_FIELDS,
  Word,
  wake,
} from './memory.ts';

/** What is durable when a write returns: it; or only what an archivist has synced since; or what the system likes. */
export type Sync = 'always' | 'interval' | 'never';

export interface WriterStart {
  buffer: SharedArrayBuffer;
  lanes: number;
  lane: number;
  /** The folder of the lane. */
  folder: string;
  secret: Secret;
  segmentBytes: number;
  sync: Sync;
}

const WAIT_MS = 50;

export class LaneWriter implements RunWriter {
  readonly #disk: Disk;
  readonly #start: WriterStart;
  readonly #memory: JournalLane;
  readonly #head: Int32Array<SharedArrayBuffer>;
  readonly #slots: Int32Array<SharedArrayBuffer>;
  readonly #slotBytes: Uint8Array<SharedArrayBuffer>;
  readonly #wide: Float64Array<SharedArrayBuffer>;
  readonly #ringExtras: Int32Array;
  readonly #mask: number;
  readonly #nameWords: DataView;
  readonly #header = Buffer.alloc(BLOCK_HEADER_BYTES);
  readonly #headerView = new DataView(this.#header.buffer, this.#header.byteOffset, BLOCK_HEADER_BYTES);
  #amounts = new Float64Array(256);
  #extras = new Int32Array(256 * EXTRA_WORDS);
  #file: DiskFile | undefined;
  #fileSegment = -1;
  #lastMs = 0;
  /** The place that holds, and where it is kept. */
  #version = 0;
  #end = 0;
  #segment = 0;
  #offset = 0;
  #number = 0;
  #first = 0;
  #namesHead = 0;

  /** `memory` is that of the lane, in a view of its own: tests stop at each write to it. */
  constructor(
    disk: Disk,
    start: WriterStart,
    ring: LaneMemory,
    memory = journalLaneOf(start.buffer, start.lanes, start.lane),
  ) {
    this.#disk = disk;
    this.#start = start;
    this.#memory = memory;
    this.#head = headOf(start.buffer);
    this.#slots = ring.slots;
    this.#slotBytes = new Uint8Array(ring.slots.buffer, ring.slots.byteOffset, ring.slots.byteLength);
    this.#wide = ring.amounts;
    this.#ringExtras = ring.extras.words;
    this.#mask = ring.amounts.length - 1;
    const { names } = this.#memory;
    this.#nameWords = new DataView(names.buffer, names.byteOffset, names.byteLength);
    this.#takeUp();
  }

  /**
   * Writes events from `head` on, if none are written there yet: as many of the `available` as fit. Returns how many
   * are written, at least one. Throws if the disk fails; then nothing may be applied any more.
   */
  secure(head: number, available: number): number {
    const written = (this.#end - head) | 0;
    if (written > 0) return Math.min(written, available);
    if (Atomics.load(this.#head, Head.failed) === 1) throw new Error('the journal has failed before');
    if (this.#room < BLOCK_BYTES_MIN) this.#enterNext();
    return this.#write(head, available);
  }

  get timeMs(): number {
    return this.#lastMs;
  }

  /** When the worker leaves after its last event: a block without events says that nothing is missing behind. */
  close(): void {
    // The last event may have filled its segment. Who leaves waits for no other one, but there nearly always is one.
    const isFull = this.#room < BLOCK_HEADER_BYTES;
    if (isFull && Atomics.load(this.#memory.words, Word.prepared) > this.#segment + 1) this.#enterNext();
    if (this.#room >= BLOCK_HEADER_BYTES) this.#write(this.#end, 0);
    if (this.#start.sync !== 'always') this.#file?.sync();
    this.#file?.close();
  }

  get #room(): number {
    return segmentSize(this.#segment, this.#start.segmentBytes) - this.#offset;
  }

  #takeUp(): void {
    const { places } = this.#memory;
    const at = places[Field.version]! > places[PLACE_FIELDS + Field.version]! ? 0 : PLACE_FIELDS;
    this.#version = places[at + Field.version]!;
    this.#end = places[at + Field.end]!;
    this.#segment = places[at + Field.segment]!;
    this.#offset = places[at + Field.offset]!;
    this.#number = places[at + Field.number]!;
    this.#first = places[at + Field.first]!;
    this.#namesHead = places[at + Field.namesHead]!;
    this.#lastMs = places[at + Field.timeMs]!;
  }

  #write(head: number, available: number): number {
    const { slots, hasEvents, namesEnd, amounts, extras } = this.#measure(head, available);
    const end = (head + slots) | 0;
    const nameBytes = (namesEnd - this.#namesHead) | 0;
    // Requests for balances alone leave no trace.
    if (slots > 0 && !hasEvents && nameBytes === 0) {
      this.#keep(slots, end, 0, 0, namesEnd);
      return slots;
    }
    const bytes = BLOCK_HEADER_BYTES + (slots + amounts) * SLOT_BYTES + extras * EXTRA_BYTES + nameBytes;
    const { secret, sync } = this.#start;
    // Clocks may be set back; time in a journal does not go back.
    this.#lastMs = Math.max(this.#lastMs, Date.now());
    const synced = sync === 'always' ? this.#number : Number(Atomics.load(this.#memory.counts, Count.synced));
    putHeader(
      this.#headerView,
      {
        bytes,
        events: slots,
        number: this.#number,
        first: this.#first,
        timeMs: this.#lastMs,
        synced,
        amounts,
        nameBytes,
        extras,
      },
      secret,
    );
    const parts = [
      ...around(this.#slotBytes, (head & this.#mask) * SLOT_BYTES, slots * SLOT_BYTES),
      new Uint8Array(this.#amounts.buffer, 0, amounts * 8),
      new Uint8Array(this.#extras.buffer, 0, extras * EXTRA_BYTES),
      ...around(this.#memory.names, this.#namesHead & (this.#memory.names.length - 1), nameBytes),
    ].filter(part => part.length > 0);
    sealBlock(this.#header, parts, secret);
    const startMs = performance.now();
    this.#open().write([this.#header, ...parts], this.#offset);
    this.#count(performance.now() - startMs, bytes, slots);
    this.#keep(slots, end, bytes, 1, namesEnd);
    return slots;
  }

  /** How many of the slots fit into the segment, with their amounts and names. */
  #measure(head: number, available: number) {
    const room = this.#room;
    const { names, words } = this.#memory;
    const nameMask = names.length - 1;
    const namesTail = Atomics.load(words, Word.namesTail);
    let namesEnd = this.#namesHead;
    let bytes = BLOCK_HEADER_BYTES;
    let amounts = 0;
    let extras = 0;
    let slots = 0;
    let hasEvents = false;
    let nextName = this.#nameSequence(namesEnd, namesTail, head);
    for (; slots < available; slots++) {
      const slot = (head + slots) & this.#mask;
      const word = this.#slots[slot * 2]!;
      const isWide = word < 0;
      let more = isWide ? 2 * SLOT_BYTES : SLOT_BYTES;
      const isRich = (word & RICH) !== 0;
      if (isRich) more += EXTRA_BYTES;
      let slotNamesEnd = namesEnd;
      // A transfer can have two.
      while (slots === nextName) {
        const nameBytes = nameRecordBytes(this.#nameWords.getUint32((slotNamesEnd + 8) & nameMask, true));
        more += nameBytes;
        slotNamesEnd = (slotNamesEnd + nameBytes) | 0;
        nextName = this.#nameSequence(slotNamesEnd, namesTail, head);
      }
      if (bytes + more > room) break;
      bytes += more;
      namesEnd = slotNamesEnd;
      if (isRich) this.#addExtra(slot, extras++);
      if (!isWide) {
        hasEvents = true;
        continue;
      }
      const amount = this.#wide[slot]!;
      if (amount !== 0) hasEvents = true;
      if (amounts === this.#amounts.length) this.#growAmounts();
      this.#amounts[amounts++] = amount;
    }
    return { slots, amounts, extras, namesEnd, hasEvents };
  }

  /** How far behind `head` the next new user's first event is; −1: none is named. */
  #nameSequence(at: number, tail: number, head: number): number {
    if (at === tail) return -1;
    return (this.#nameWords.getInt32(at & (this.#memory.names.length - 1), true) - head) | 0;
  }

  #addExtra(slot: number, extras: number): void {
    if ((extras + 1) * EXTRA_WORDS > this.#extras.length) {
      const grown = new Int32Array(this.#extras.length * 2);
      grown.set(this.#extras);
      this.#extras = grown;
    }
    const from = slot * EXTRA_WORDS;
    const to = extras * EXTRA_WORDS;
    for (let word = 0; word < EXTRA_WORDS; word++) this.#extras[to + word] = this.#ringExtras[from + word]!;
  }

  #growAmounts(): void {
    const grown = new Float64Array(this.#amounts.length * 2);
    grown.set(this.#amounts);
    this.#amounts = grown;
  }

  /** Moves the place behind a block of `events`. */
  #keep(events: number, end: number, bytes: number, blocks: number, namesEnd: number): void {
    this.#end = end;
    this.#offset += bytes;
    this.#number += blocks;
    if (blocks > 0) this.#first += events;
    this.#namesHead = namesEnd;
    this.#version += 1;
    const { places, counts } = this.#memory;
    const at = (this.#version & 1) * PLACE_FIELDS;
    places[at + Field.end] = end;
    places[at + Field.segment] = this.#segment;
    places[at + Field.offset] = this.#offset;
    places[at + Field.number] = this.#number;
    places[at + Field.first] = this.#first;
    places[at + Field.namesHead] = namesEnd;
    places[at + Field.timeMs] = this.#lastMs;
    places[at + Field.version] = this.#version;
    // For the socket thread, which takes it for a bound only, and for the archivist, which syncs what is written.
    const used = bytesBefore(this.#segment, this.#start.segmentBytes) + this.#offset - SEGMENT_HEADER_BYTES;
    Atomics.store(counts, Count.used, BigInt(used));
    Atomics.store(counts, Count.number, BigInt(this.#number));
  }

  #count(ms: number, bytes: number, events: number): void {
    const { counts, buckets } = this.#memory;
    let bucket = 0;
    while (bucket < BUCKETS - 1 && ms >= bucketMs(bucket)) bucket++;
    Atomics.store(buckets, bucket, (buckets[bucket]! + 1) | 0);
    const add = (word: number, some: number) =>
      Atomics.store(counts, word, Atomics.load(counts, word) + BigInt(some));
    add(Count.blocks, 1);
    add(Count.bytes, bytes);
    add(Count.events, events);
    add(Count.writeNs, Math.round(ms * 1e6));
  }

  /** Waits until the next segment may be entered, which is so when there is one behind it. */
  #enterNext(): void {
    const { words } = this.#memory;
    const next = this.#segment + 1;
    for (;;) {
      const prepared = Atomics.load(words, Word.prepared);
      if (prepared > next) break;
      if (Atomics.load(this.#head, Head.failed) === 1) throw new Error('the journal has failed');
      wake(this.#head);
      Atomics.wait(words, Word.prepared, prepared, WAIT_MS);
    }
    this.#segment = next;
    this.#offset = SEGMENT_HEADER_BYTES;
  }

  #open(): DiskFile {
    if (this.#fileSegment === this.#segment) return this.#file!;
    this.#file?.close();
    const access = this.#start.sync === 'always' ? 'durable' : 'write';
    this.#file = this.#disk.open(`${this.#start.folder}/${segmentName(this.#segment)}`, access);
    this.#fileSegment = this.#segment;
    // A successor in the midst of a segment finds it told.
    if (this.#offset > SEGMENT_HEADER_BYTES) return this.#file;
    // The archivist takes every segment below as closed, with every block below this one.
    const entered = BigInt(this.#segment) * ENTERED_UNIT + BigInt(this.#number);
    Atomics.store(this.#memory.counts, Count.entered, entered);
    Atomics.store(this.#memory.words, Word.segment, this.#segment);
    wake(this.#head);
    return this.#file;
  }
}

/** A part of a ring, in one or two views. */
function around(ring: Uint8Array, at: number, bytes: number): Uint8Array[] {
  const whole = Math.min(bytes, ring.length - at);
  return whole === bytes
    ? [ring.subarray(at, at + bytes)]
    : [ring.subarray(at), ring.subarray(0, bytes - whole)];
}

/** The first place of a lane, before its worker starts; its blocks are not earlier than `timeMs`. */
export function placeFirst(memory: JournalLane, sequence: number, timeMs: number): void {
  const { places } = memory;
  places[Field.end] = sequence;
  places[Field.segment] = 0;
  places[Field.offset] = SEGMENT_HEADER_BYTES;
  places[Field.timeMs] = timeMs;
  places[Field.version] = 2;
}

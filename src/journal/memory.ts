/**
 * The memory that the threads of a journal share, beside the engine's: who writes what is said at each word.
 *
 * ```
 *  byte 0     header                                                            (see Head)
 *  then, for each lane:
 *    +0       names' tail                                                       (socket thread writes)
 *    +128     names' head, segment, waiting, counts                             (worker writes)
 *    +256     prepared, full, synced, syncs                                     (archivist writes)
 *    +384     two places: where the lane goes on                                (worker writes, successor reads)
 *    +512     times of writes, as a histogram                                   (worker writes)
 *    +768     names                                                             (socket thread writes)
 * ```
 */
const LINE_BYTES = 128;

/** Int32 words of the header. */
export const Head = {
  /** 1: the disk has failed; nothing more is written. Any thread writes. */
  failed: 0,
  /** Bumped to wake the archivist. Workers and socket thread write. */
  bell: 1,
  /** 1: the archivist exits. The socket thread writes. */
  stop: 2,
  /** Snapshots that the archivist has made. */
  snapshots: 3,
  /** How often one was asked for. The socket thread writes. */
  wanted: 4,
} as const;

/** BigInt64 words of the header. */
export const HeadCount = {
  /** When the last snapshot was made, or the start. */
  snapshotMs: 8,
} as const;

/** Int32 words of a lane. */
export const Word = {
  /** Free-running count of bytes in the ring of names; names are written before their events are published. */
  namesTail: 0,
  /** The segment that is written to. */
  segment: 33,
  /** The last segment that exists; it is entered when there is another. */
  prepared: 64,
  /** 1: there was no room on the disk for another. */
  full: 65,
} as const;

/** BigInt64 words of a lane. */
export const Count = {
  /** Bytes of the lane's segments up to where it goes on, without their headers. */
  used: 20,
  /** The number of the next block. */
  number: 21,
  /** The segment that is written to, times `ENTERED_UNIT`, and the number of its first block: both in one word. */
  entered: 26,
  /** What was written since the start: blocks, their bytes and events, and the nanoseconds that it took. */
  blocks: 22,
  bytes: 23,
  events: 24,
  writeNs: 25,
  /** Blocks that a sync of the archivist has covered. */
  synced: 36,
  syncs: 37,
  /** Bytes of the segments that may be entered, without their headers. */
  capacity: 38,
} as const;

/** Fields of a place, float64 each. */
export const Field = {
  /** How often a place was kept: stored last. The higher one of two is the newer. */
  version: 0,
  /** A sequence of the ring: the events up to it are in the file, and the place is behind them. */
  end: 1,
  segment: 2,
  offset: 3,
  number: 4,
  first: 5,
  namesHead: 6,
  /** Of the last block. */
  timeMs: 7,
} as const;
export const PLACE_FIELDS = 8;
export const ENTERED_UNIT = 2n ** 40n;

/** Bucket n counts writes that took less than 2^n · 16 µs; the last one all others. */
export const BUCKETS = 20;
export const bucketMs = (bucket: number) => (2 ** bucket * 16) / 1_000;

export interface JournalLane {
  words: Int32Array<SharedArrayBuffer>;
  counts: BigInt64Array<SharedArrayBuffer>;
  /** Two, one behind the other. */
  places: Float64Array<SharedArrayBuffer>;
  buckets: Int32Array<SharedArrayBuffer>;
  names: Uint8Array<SharedArrayBuffer>;
}

const PLACES_AT = 3 * LINE_BYTES;
const BUCKETS_AT = 4 * LINE_BYTES;
const NAMES_AT = 6 * LINE_BYTES;

export function createJournalMemory(lanes: number, nameBytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(LINE_BYTES + lanes * (NAMES_AT + nameBytes));
}

export function headOf(buffer: SharedArrayBuffer): Int32Array<SharedArrayBuffer> {
  return new Int32Array(buffer, 0, LINE_BYTES / 4);
}

export function headCountsOf(buffer: SharedArrayBuffer): BigInt64Array<SharedArrayBuffer> {
  return new BigInt64Array(buffer, 0, LINE_BYTES / 8);
}

export function journalLaneOf(buffer: SharedArrayBuffer, lanes: number, lane: number): JournalLane {
  const laneBytes = (buffer.byteLength - LINE_BYTES) / lanes;
  const start = LINE_BYTES + lane * laneBytes;
  return {
    words: new Int32Array(buffer, start, PLACES_AT / 4),
    counts: new BigInt64Array(buffer, start, PLACES_AT / 8),
    places: new Float64Array(buffer, start + PLACES_AT, 2 * PLACE_FIELDS),
    buckets: new Int32Array(buffer, start + BUCKETS_AT, BUCKETS),
    names: new Uint8Array(buffer, start + NAMES_AT, laneBytes - NAMES_AT),
  };
}

/** The ring of names for a ring of events: names of usual length fit for each, and some of the longest always. */
export function namesBytesFor(ringSlots: number): number {
  return Math.max(4_096, 2 ** Math.ceil(Math.log2(ringSlots * 32)));
}

export function wake(head: Int32Array): void {
  Atomics.add(head, Head.bell, 1);
  Atomics.notify(head, Head.bell);
}

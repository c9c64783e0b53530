/**
 * The memory map: every shared word of the engine, who writes it, who reads it, and where it lies.
 *
 * Everything the threads share is one `SharedArrayBuffer`. Each word has exactly one thread that writes it:
 * the socket thread writes the header and every producer line, worker n writes its own consumer line, its
 * journal, its answers and the balances of its shards. A line is 128 bytes, two cache lines, because adjacent
 * lines are prefetched in pairs and two writers must never share one.
 *
 * ```
 *  byte 0        header            socket thread writes, workers read once when they attach
 *  then, a worker:
 *    +0          producer line     TAIL BELL ACKNOWLEDGED WANTED STOP FROZEN CRASH   (socket thread writes)
 *    +128        consumer line     HEAD REST RUNG … PROCESSED OVERFLOWED             (worker writes)
 *    +256        journal           COMMITTED, two records                            (worker writes, its successor reads)
 *    +384        ring slots        16 bytes each: user, ask, amount                  (socket thread writes)
 *    next line   answers           8 bytes each, as many as slots                    (worker writes)
 *  then          balances          8 bytes each, one float64 a user                  (the owner of the user writes)
 * ```
 *
 * Words that order anything are touched with `Atomics` only. Slots, answers, journal records and balances are
 * plain memory, published by the `Atomics.store` of the word that says they are complete.
 */
const MAGIC = 0x594c4154; // "TALY", little endian
const VERSION = 1;
const LINE_BYTES = 128;

/** A ring slot: int32 words `user` and `ask`, then the float64 `amount`. */
export const SLOT_WORDS = 4;
export const SLOT_FLOATS = 2;

/** Words of the header. */
const Header = {
  magic: 0,
  version: 1,
  workers: 2,
  ringSlots: 3,
  balanceSlots: 4,
  workUs: 5,
  workKind: 6,
} as const;

/** Words of a worker's control lines, counted from the start of its block. */
export const Word = {
  /** Next sequence to write. Publishes the slots below it. Producer writes, consumer reads. */
  tail: 0,
  /** Bumped to wake the consumer: the word it sleeps on. Producer writes, consumer reads. */
  bell: 1,
  /** The value of `rung` the socket thread has reacted to. Producer writes, consumer reads. */
  acknowledged: 2,
  /** Bumped when the socket thread wants to hear of the next progress, whatever it is. Producer writes. */
  wanted: 3,
  /** 1: leave as soon as the ring is empty. Producer writes, consumer reads. */
  stop: 4,
  /** 1: take nothing from the ring (a debug request). Producer writes, consumer reads. */
  frozen: 5,
  /** 1: die at the next event (a debug request). Producer writes, consumer reads. */
  crash: 6,
  /** Next sequence to read. Publishes balances, answers and counters of all below it. Consumer writes. */
  head: 32,
  /** How the consumer rests: `ticket * 4 + Rest`. Consumer writes, producer reads. */
  rest: 33,
  /** How often the consumer has sent the socket thread a message. Consumer writes, producer reads. */
  rung: 34,
  /** Parked waits that ran out and found work nobody had told of; must stay 0. Consumer writes. */
  lateWakes: 35,
  /** Parks and naps so far, modulo 2^32. Consumer writes. */
  parks: 36,
  naps: 37,
  /** Sequence after the last event whose outcome is in the journal. Consumer writes, its successor reads. */
  committed: 64,
} as const;

/** BigInt64 words of the consumer line, counted in 8 bytes from the start of the block. */
export const Count = { processed: 24, overflowed: 25 } as const;

/** Float64 words of the two journal records, counted in 8 bytes from the start of the block. */
export const Journal = { record: 36, floats: 4, answer: 0, processed: 1, overflowed: 2 } as const;

/** What an event costs beyond applying it, for experiments: a sleep or a spin of so many microseconds. */
export type WorkKind = 'block' | 'cpu';

export interface Shape {
  workers: number;
  ringSlots: number;
  /** Balances in all; the indices that the directory hands out stay below it. */
  balanceSlots: number;
  workUs: number;
  workKind: WorkKind;
}

/** One worker's block, as views: `words` starts at its producer line. */
export interface Lane {
  words: Int32Array<SharedArrayBuffer>;
  counts: BigInt64Array<SharedArrayBuffer>;
  journal: Float64Array<SharedArrayBuffer>;
  slotWords: Int32Array<SharedArrayBuffer>;
  slotFloats: Float64Array<SharedArrayBuffer>;
  answers: Float64Array<SharedArrayBuffer>;
}

const CONTROL_BYTES = 3 * LINE_BYTES;

function wholeLines(bytes: number): number {
  return Math.ceil(bytes / LINE_BYTES) * LINE_BYTES;
}

function answersOffset(ringSlots: number): number {
  return CONTROL_BYTES + wholeLines(ringSlots * SLOT_WORDS * 4);
}

function laneOffset(shape: Shape, worker: number): number {
  return LINE_BYTES + worker * (answersOffset(shape.ringSlots) + wholeLines(shape.ringSlots * 8));
}

/** Allocates the memory of an engine. The system hands out its pages when they are first touched. */
export function createMemory(shape: Shape, firstSequence = 0): SharedArrayBuffer {
  const { workers, ringSlots, balanceSlots } = shape;
  if ((ringSlots & (ringSlots - 1)) !== 0 || ringSlots < 2)
    throw new Error(`ring of ${ringSlots} slots is no power of two`);
  const buffer = new SharedArrayBuffer(laneOffset(shape, workers) + balanceSlots * 8);
  const header = new Int32Array(buffer, 0, LINE_BYTES / 4);
  header[Header.workers] = workers;
  header[Header.ringSlots] = ringSlots;
  header[Header.balanceSlots] = balanceSlots;
  header[Header.workUs] = shape.workUs;
  header[Header.workKind] = shape.workKind === 'block' ? 1 : 0;
  for (let worker = 0; worker < workers; worker++) {
    const { words } = laneOf(buffer, shape, worker);
    for (const word of [Word.tail, Word.head, Word.committed]) Atomics.store(words, word, firstSequence);
  }
  header[Header.version] = VERSION;
  Atomics.store(header, Header.magic, MAGIC);
  return buffer;
}

/** Reads the shape back from a buffer, and refuses memory that is not this version's. */
export function shapeOf(buffer: SharedArrayBuffer): Shape {
  const header = new Int32Array(buffer, 0, LINE_BYTES / 4);
  const magic = Atomics.load(header, Header.magic);
  const version = header[Header.version];
  if (magic !== MAGIC || version !== VERSION) {
    throw new Error(
      `not Tally's memory: magic ${magic.toString(16)}, version ${version}; expected ${MAGIC.toString(16)}, ${VERSION}`,
    );
  }
  const shape: Shape = {
    workers: header[Header.workers]!,
    ringSlots: header[Header.ringSlots]!,
    balanceSlots: header[Header.balanceSlots]!,
    workUs: header[Header.workUs]!,
    workKind: header[Header.workKind] === 1 ? 'block' : 'cpu',
  };
  const bytes = laneOffset(shape, shape.workers) + shape.balanceSlots * 8;
  if (buffer.byteLength !== bytes)
    throw new Error(`memory of ${buffer.byteLength} bytes where its header asks for ${bytes}`);
  return shape;
}

export function laneOf(buffer: SharedArrayBuffer, shape: Shape, worker: number): Lane {
  const start = laneOffset(shape, worker);
  const slots = start + CONTROL_BYTES;
  const answers = start + answersOffset(shape.ringSlots);
  return {
    words: new Int32Array(buffer, start, CONTROL_BYTES / 4),
    counts: new BigInt64Array(buffer, start, CONTROL_BYTES / 8),
    journal: new Float64Array(buffer, start, CONTROL_BYTES / 8),
    slotWords: new Int32Array(buffer, slots, shape.ringSlots * SLOT_WORDS),
    slotFloats: new Float64Array(buffer, slots, shape.ringSlots * SLOT_FLOATS),
    answers: new Float64Array(buffer, answers, shape.ringSlots),
  };
}

export function balancesOf(buffer: SharedArrayBuffer, shape: Shape): Float64Array<SharedArrayBuffer> {
  return new Float64Array(buffer, laneOffset(shape, shape.workers), shape.balanceSlots);
}

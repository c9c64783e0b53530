/**
 * The memory map: every shared word of the engine, who writes it, who reads it, and where it lies.
 *
 * All that the threads share is one `SharedArrayBuffer`. Each word has exactly one writing thread: the socket thread
 * writes the header, every producer line, the slots and the amounts; worker n writes its own consumer line, its run
 * line and the saved balances (for its successor), its answers, and the balances of its shards. A line is 128 bytes,
 * a pair of cache lines: adjacent cache lines are prefetched in pairs, and no two writers may share a pair.
 *
 * ```
 *  byte 0        header            socket thread writes, workers read once when they attach
 *  then, for each worker:
 *    +0          producer line     TAIL BELL ACKNOWLEDGED WANTED STOP FROZEN CRASH   (socket thread writes)
 *    +128        consumer line     HEAD REST MESSAGES … counts                       (worker writes)
 *    +256        run line          BEGUN                                             (worker writes, successor reads)
 *    +384        before            balances and counts before that run               (worker writes, successor reads)
 *    next line   ring slots        8 bytes each: user and amount, or user and ask    (socket thread writes)
 *    next line   amounts           8 bytes each, used by wide slots (ring.ts)        (socket thread writes)
 *    next line   answers           8 bytes each, as many as slots                    (worker writes)
 *    next line   extras            40 bytes each, used by rich slots (extra.ts)      (socket thread writes)
 *    next line   repeats           a byte for each answer: of a transfer decided before  (worker writes)
 *    next line   ids               64 bytes each, and their index (ids.ts)           (worker writes)
 *  then          balances          8 bytes each, one float64 a user                  (the worker of the user writes)
 * ```
 *
 * The words that order memory are accessed with `Atomics` only. Slots, amounts, answers, extras, ids, balances and
 * saved balances are plain memory, published by the `Atomics.store` of the word that says they are complete.
 */
import { Before, EXTRA_WORDS, ID_WORDS, RUN_EVENTS_MAX, SLOT_WORDS, Word } from './words.ts';

const MAGIC = 0x594c4154; // "TALY", little endian
const VERSION = 4;
const LINE_BYTES = 128;

/** Words of the header. */
const Header = {
  magic: 0,
  version: 1,
  workers: 2,
  ringSlots: 3,
  balanceSlots: 4,
  workUs: 5,
  workKind: 6,
  producers: 7,
  idSlots: 8,
  idsMax: 9,
  idsMs: 10,
} as const;

/** Artificial work for each event, for experiments: a sleep (`block`) or a spin (`cpu`) of `workUs` microseconds. */
export type WorkKind = 'block' | 'cpu';

export interface Shape {
  /** Threads that write into rings; each has a ring to every worker. 1 by default. */
  producers?: number;
  workers: number;
  ringSlots: number;
  /** The number of balances; every index from the user table is below it. */
  balanceSlots: number;
  workUs: number;
  workKind: WorkKind;
  /** Places for ids in each lane, a power of two; none by default. */
  idSlots?: number;
  /** How many of them are used, and how long an id is remembered at least. */
  idsMax?: number;
  idsMs?: number;
}

/** The memory between one producer and one consumer, as views: `words` starts at its producer line. */
export interface LaneMemory {
  words: Int32Array<SharedArrayBuffer>;
  counts: BigInt64Array<SharedArrayBuffer>;
  before: Float64Array<SharedArrayBuffer>;
  slots: Int32Array<SharedArrayBuffer>;
  amounts: Float64Array<SharedArrayBuffer>;
  answers: Float64Array<SharedArrayBuffer>;
  repeats: Uint8Array<SharedArrayBuffer>;
  /** The same bytes twice. */
  extras: { words: Int32Array<SharedArrayBuffer>; floats: Float64Array<SharedArrayBuffer> };
  ids: {
    words: Int32Array<SharedArrayBuffer>;
    floats: Float64Array<SharedArrayBuffer>;
    index: Int32Array<SharedArrayBuffer>;
  };
}

const CONTROL_BYTES = 3 * LINE_BYTES;
const BEFORE_FLOATS = Before.others + RUN_EVENTS_MAX;

function wholeLines(bytes: number): number {
  return Math.ceil(bytes / LINE_BYTES) * LINE_BYTES;
}

/** The offsets of the parts of a worker's block, and its size. */
function partsOf({ ringSlots, idSlots = 0 }: Shape) {
  const before = CONTROL_BYTES;
  const slots = before + wholeLines(BEFORE_FLOATS * 8);
  const amounts = slots + wholeLines(ringSlots * SLOT_WORDS * 4);
  const answers = amounts + wholeLines(ringSlots * 8);
  const extras = answers + wholeLines(ringSlots * 8);
  const repeats = extras + wholeLines(ringSlots * EXTRA_WORDS * 4);
  const ids = repeats + wholeLines(ringSlots);
  const index = ids + wholeLines(idSlots * ID_WORDS * 4);
  const bytes = index + wholeLines(idSlots * 4);
  return { before, slots, amounts, answers, extras, repeats, ids, index, bytes };
}

function laneOffset(shape: Shape, consumer: number, producer: number): number {
  return LINE_BYTES + (producer * shape.workers + consumer) * partsOf(shape).bytes;
}

function balancesOffset(shape: Shape): number {
  return laneOffset(shape, 0, shape.producers ?? 1);
}

/** Allocates the memory of an engine. Its pages become resident when they are first touched. */
export function createMemory(shape: Shape, firstSequence = 0): SharedArrayBuffer {
  const { producers = 1, workers, ringSlots, balanceSlots, idSlots = 0, idsMax = idSlots, idsMs = 0 } = shape;
  if ((ringSlots & (ringSlots - 1)) !== 0 || ringSlots < 2)
    throw new Error(`ring of ${ringSlots} slots is no power of two`);
  if ((idSlots & (idSlots - 1)) !== 0) throw new Error(`${idSlots} places for ids are no power of two`);
  const buffer = new SharedArrayBuffer(balancesOffset(shape) + balanceSlots * 8);
  const header = new Int32Array(buffer, 0, LINE_BYTES / 4);
  header[Header.producers] = producers;
  header[Header.workers] = workers;
  header[Header.ringSlots] = ringSlots;
  header[Header.balanceSlots] = balanceSlots;
  header[Header.workUs] = shape.workUs;
  header[Header.workKind] = shape.workKind === 'block' ? 1 : 0;
  header[Header.idSlots] = idSlots;
  header[Header.idsMax] = idsMax;
  header[Header.idsMs] = idsMs;
  for (let producer = 0; producer < producers; producer++) {
    for (let consumer = 0; consumer < workers; consumer++) {
      const { words } = laneOf(buffer, shape, consumer, producer);
      for (const word of [Word.tail, Word.head, Word.begun]) Atomics.store(words, word, firstSequence);
      for (const word of [Word.idsHead, Word.idsTail]) Atomics.store(words, word, 1);
    }
  }
  header[Header.version] = VERSION;
  Atomics.store(header, Header.magic, MAGIC);
  return buffer;
}

/** Reads the shape from a buffer; throws if the memory is not of this version. */
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
    producers: header[Header.producers]!,
    workers: header[Header.workers]!,
    ringSlots: header[Header.ringSlots]!,
    balanceSlots: header[Header.balanceSlots]!,
    workUs: header[Header.workUs]!,
    workKind: header[Header.workKind] === 1 ? 'block' : 'cpu',
    idSlots: header[Header.idSlots]!,
    idsMax: header[Header.idsMax]!,
    idsMs: header[Header.idsMs]!,
  };
  const bytes = balancesOffset(shape) + shape.balanceSlots * 8;
  if (buffer.byteLength !== bytes)
    throw new Error(`memory of ${buffer.byteLength} bytes where its header asks for ${bytes}`);
  return shape;
}

/** The memory between a consumer (a worker) and a producer. */
export function laneOf(buffer: SharedArrayBuffer, shape: Shape, consumer: number, producer = 0): LaneMemory {
  const { ringSlots, idSlots = 0 } = shape;
  const start = laneOffset(shape, consumer, producer);
  const parts = partsOf(shape);
  const views = (at: number, words: number) => ({
    words: new Int32Array(buffer, start + at, words),
    floats: new Float64Array(buffer, start + at, words / 2),
  });
  return {
    words: new Int32Array(buffer, start, CONTROL_BYTES / 4),
    counts: new BigInt64Array(buffer, start, CONTROL_BYTES / 8),
    before: new Float64Array(buffer, start + parts.before, BEFORE_FLOATS),
    slots: new Int32Array(buffer, start + parts.slots, ringSlots * SLOT_WORDS),
    amounts: new Float64Array(buffer, start + parts.amounts, ringSlots),
    answers: new Float64Array(buffer, start + parts.answers, ringSlots),
    repeats: new Uint8Array(buffer, start + parts.repeats, ringSlots),
    extras: views(parts.extras, ringSlots * EXTRA_WORDS),
    ids: {
      ...views(parts.ids, idSlots * ID_WORDS),
      index: new Int32Array(buffer, start + parts.index, idSlots),
    },
  };
}

export function balancesOf(buffer: SharedArrayBuffer, shape: Shape): Float64Array<SharedArrayBuffer> {
  return new Float64Array(buffer, balancesOffset(shape), shape.balanceSlots);
}

/**
 * A worker with a journal that dies before any of its operations, its plain writes and the words that it writes to the
 * file; and its successor, which may die too. Whatever was accepted is in the file once, and applied once; and nothing
 * is applied, or told, that is not in the file.
 */
import { Lane } from '../../../src/engine/lane.ts';
import { laneOf } from '../../../src/engine/memory-layout.ts';
import { Word as RingWord } from '../../../src/engine/words.ts';
import { runWorker } from '../../../src/engine/worker.ts';
import type { Disk, DiskFile } from '../../../src/journal/disk.ts';
import {
  Damage,
  SEGMENT_HEADER_BYTES,
  type Secret,
  segmentHeader,
  segmentName,
} from '../../../src/journal/format.ts';
import { readLane } from '../../../src/journal/lane-reader.ts';
import { LaneWriter, placeFirst } from '../../../src/journal/lane-writer.ts';
import { Ledger } from '../../../src/journal/ledger.ts';
import { Count, createJournalMemory, journalLaneOf, Word } from '../../../src/journal/memory.ts';
import { Recorder } from '../../../src/journal/recorder.ts';
import { fine, type Scenario, wrong } from '../scenario.ts';
import { endOf, livesOf } from './lives.ts';
import { createServer, type Memory as ServerMemory, SHAPE, stateOf, wordsOf } from './server.ts';

interface Memory extends ServerMemory {
  journal: SharedArrayBuffer;
  /** The segment: what has been written to it survives its writer. */
  file: Int32Array<SharedArrayBuffer>;
}

const FILE_BYTES = 1_024;
const NAMES_BYTES = 64;
const SECRET: Secret = { mark: 0x5eed, start: 7 };
const SEGMENT = { epoch: 1, lane: 0, segment: 0, secret: SECRET };

interface Course {
  name: string;
  about: string;
  deaths: number;
  firstSequence: number;
  /** For user 0. */
  amounts: number[];
}

/** All events are there when the worker starts. */
function create({ firstSequence, amounts }: Course): Memory {
  const server = createServer(firstSequence);
  const journal = createJournalMemory(1, NAMES_BYTES);
  const memory = journalLaneOf(journal, 1, 0);
  placeFirst(memory, firstSequence | 0, 0);
  Atomics.store(memory.words, Word.prepared, 1);
  Atomics.store(memory.counts, Count.capacity, 2n ** 40n);
  const file = new Int32Array(new SharedArrayBuffer(FILE_BYTES));
  const header = new Int32Array(SEGMENT_HEADER_BYTES / 4);
  segmentHeader({ ...SEGMENT, bytes: FILE_BYTES }).copy(new Uint8Array(header.buffer));
  file.set(header);
  const { words } = laneOf(server.buffer, SHAPE, 0);
  const lane = new Lane(laneOf(server.buffer, SHAPE, 0), new Recorder(memory));
  lane.addName(0, new DataView(Uint8Array.of(0x61).buffer), { nameAt: 0, nameBytes: 1 });
  for (const amount of amounts) lane.tryPush(0, amount);
  lane.publish();
  Atomics.store(words, RingWord.stop, 1);
  return { ...server, journal, file };
}

/** The worker thread, as it is, but for its clocks and its disk. */
function work({ buffer, messages, journal, file }: Memory): void {
  Date.now = () => 0;
  performance.now = () => 0;
  const start = {
    ...{ buffer: journal, lanes: 1, lane: 0, folder: '', secret: SECRET },
    ...{ segmentBytes: FILE_BYTES, sync: 'always' as const },
  };
  const writer = new LaneWriter(diskOf(file), start, laneOf(buffer, SHAPE, 0));
  const send = (message: unknown) => {
    if (message === 'progress') Atomics.add(messages, 0, 1);
  };
  runWorker({ buffer, worker: 0 }, send, writer);
  writer.close();
}

/** A disk of one file, which is written by words, one after the other. */
function diskOf(file: Int32Array): Disk {
  const written: DiskFile = {
    bytes: FILE_BYTES,
    read: () => 0,
    write: (views, at) => {
      const bytes = Buffer.concat(views);
      for (let byte = 0; byte < bytes.length; byte += 4) file[(at + byte) / 4] = bytes.readInt32LE(byte);
    },
    sync: () => {},
    close: () => {},
  };
  return { open: () => written } as unknown as Disk;
}

/** The events in the file, and the balance that they make; or what is wrong with it. */
function readBack({ file }: Memory): { events: number[]; balance: number } | { damage: string } {
  const disk = {
    list: () => [segmentName(0)],
    open: () => ({
      bytes: FILE_BYTES,
      read: (into: Uint8Array) => {
        into.set(new Uint8Array(file.buffer));
        return FILE_BYTES;
      },
      close: () => {},
    }),
  } as unknown as Disk;
  const ledger = new Ledger();
  const events: number[] = [];
  try {
    const blocks = readLane(disk, { ...SEGMENT, folder: '' }, { segment: 0, number: 0 }, 1);
    for (let next = blocks.next(); !next.done; next = blocks.next()) {
      const damage = ledger.apply(0, next.value, (_, amount) => events.push(amount));
      if (damage !== undefined) return { damage };
    }
  } catch (error) {
    if (!(error instanceof Damage)) throw error;
    return { damage: error.message };
  }
  return { events, balance: ledger.has(0) ? ledger.balances[0]! : 0 };
}

const NOT_WRITTEN = 'something was applied that is not in the file';

function journalDeath(course: Course): Scenario<Memory> {
  const { name, about, deaths, firstSequence, amounts } = course;
  const workers = livesOf(deaths, () => work);
  return {
    name,
    group: 'journal',
    about,
    budget: { timeOuts: 0, wakesForNothing: 0, deaths },
    create: () => create(course),
    explored: ({ buffer, messages, journal, file }) => [buffer, messages.buffer, journal, file.buffer],
    words: memory => [
      ...wordsOf(memory),
      ...Array.from(memory.file, (_, index) => ({ name: `file ${index}`, view: memory.file, index })),
    ],
    shown: ['tail', 'head', 'begun', 'balance 0'],
    threads: workers,
    invariant(memory) {
      const { words } = laneOf(memory.buffer, SHAPE, 0);
      // `begun` is stored before a balance is changed, the head when a reply may leave.
      const begun = (words[RingWord.begun]! - firstSequence) | 0;
      const told = (words[RingWord.head]! - firstSequence) | 0;
      if (begun <= 0 && told <= 0) return undefined;
      const back = readBack(memory);
      if ('damage' in back) return back.damage;
      return back.events.length < Math.max(begun, told) ? NOT_WRITTEN : undefined;
    },
    verdict(memory, endings) {
      const { isEmpty, balances } = stateOf(memory);
      const back = readBack(memory);
      const { last, deaths } = endOf(endings);
      if (last !== 'finished') return wrong(`the last worker is ${last}`);
      if (!isEmpty) return wrong('events were left in the ring');
      if ('damage' in back) return wrong(back.damage);
      const { events, balance } = back;
      if (events.length < amounts.length) return wrong(NOT_WRITTEN);
      if (events.join() !== amounts.join()) return wrong(`in the file is ${events}, not ${amounts}`);
      if (balance !== balances[0])
        return wrong(`the balance is ${balances[0]}, and comes back as ${balance}`);
      return fine(`${deaths}: all is in the file once and applied once`);
    },
  };
}

export const scenarios = [
  journalDeath({
    name: 'journal',
    about: 'a worker with a journal dies within a run of two events across 2^32',
    deaths: 1,
    firstSequence: 2 ** 32 - 1,
    amounts: [1, 10],
  }),
  journalDeath({
    name: 'journal-overflow',
    about: 'a worker with a journal dies within a run whose second event cannot be applied',
    deaths: 1,
    firstSequence: 2 ** 31 - 1,
    amounts: [Number.MAX_SAFE_INTEGER, 1],
  }),
  journalDeath({
    name: 'journal-twice',
    about: 'a worker with a journal dies, and its successor too, while it writes, takes back or applies',
    deaths: 2,
    firstSequence: 0,
    amounts: [1],
  }),
] as const;

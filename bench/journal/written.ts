/**
 * Journals of known content, as servers that were stopped leave them: the events go through the ring and the writer of
 * the server itself, without a sync for each block. They are made once; each start gets a copy, since it begins an epoch.
 */
import { linkSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createMemory, laneOf, type Shape } from '../../src/engine/memory-layout.ts';
import { Consumer, Producer } from '../../src/engine/ring.ts';
import { realDisk } from '../../src/journal/disk.ts';
import { beginEpoch, createSegment, drawSecret, SEGMENTS_FIRST } from '../../src/journal/folder.ts';
import { laneName } from '../../src/journal/format.ts';
import { LaneWriter, placeFirst } from '../../src/journal/lane-writer.ts';
import { Ledger } from '../../src/journal/ledger.ts';
import { createJournalMemory, journalLaneOf, namesBytesFor, Word } from '../../src/journal/memory.ts';
import { NameProducer } from '../../src/journal/names.ts';

export const AMOUNT = 50;
/** As many as a server under load finds in its ring. */
const BLOCK_EVENTS = 1_024;
const RING_SLOTS = 2 ** 16;
const SEGMENT_BYTES = 2 ** 26;
const EPOCH = 1;
const NAME_BYTES_MAX = 32;
/** Users come in an order that memory would not like. */
const STEP = 4_801;

export interface Content {
  /** Users with this amount each in the snapshot. */
  usersBefore: number;
  /** Events behind it, of this amount each, of so many users, each in turn. */
  events: number;
  eventUsers: number;
}

export const nameOf = (user: number) => `u${user}`;

/** Who has the event with this number. Each of the users once, then again; their number must not be a multiple of 4801. */
export function userOf(event: number, users: number): number {
  return (event * STEP) % users;
}

/** Writes it into a folder, which must be empty. */
export function writeJournal(dir: string, { usersBefore, events, eventUsers }: Content): void {
  const secret = drawSecret();
  const start = {
    epoch: EPOCH,
    secret,
    timeMs: 0,
    idKey: [1, 2, 3, 4] as const,
    ledger: ledgerOf(usersBefore),
    lanes: 1,
  };
  const folder = join(beginEpoch(realDisk, dir, start, SEGMENT_BYTES), laneName(0));
  const shape: Shape = { workers: 1, ringSlots: RING_SLOTS, balanceSlots: 1, workUs: 0, workKind: 'cpu' };
  const ring = laneOf(createMemory(shape), shape, 0);
  const buffer = createJournalMemory(1, namesBytesFor(RING_SLOTS));
  const memory = journalLaneOf(buffer, 1, 0);
  placeFirst(memory, 0, 0);
  const writer = new LaneWriter(
    realDisk,
    { buffer, lanes: 1, lane: 0, folder, secret, segmentBytes: SEGMENT_BYTES, sync: 'never' },
    ring,
  );
  const [producer, consumer, names] = [new Producer(ring), new Consumer(ring), new NameProducer(memory)];
  const name = Buffer.alloc(NAME_BYTES_MAX);
  const nameView = new DataView(name.buffer, name.byteOffset, name.length);
  let segments = SEGMENTS_FIRST;
  for (let done = 0; done < events; ) {
    const block = Math.min(BLOCK_EVENTS, events - done);
    for (let event = done; event < done + block; event++) {
      const user = userOf(event, eventUsers);
      if (event < eventUsers && user >= usersBefore) {
        const bytes = name.write(nameOf(user), 'latin1');
        names.hasRoom(bytes, consumer.head);
        names.push(producer.tail, user, nameView, 0, bytes);
      }
      producer.tryPush(user, 0, AMOUNT);
    }
    producer.publish();
    // The archivist's part: a segment may be entered when there is one behind it.
    for (; segments < memory.words[Word.segment]! + 3; segments++) {
      const header = { epoch: EPOCH, lane: 0, segment: segments, secret };
      createSegment(realDisk, folder, header, SEGMENT_BYTES);
      memory.words[Word.prepared] = segments;
    }
    for (let left = block; left > 0; ) {
      const written = writer.secure(consumer.head, left);
      consumer.release((consumer.head + written) | 0);
      left -= written;
    }
    done += block;
  }
  writer.close();
}

function ledgerOf(users: number): Ledger {
  const ledger = new Ledger();
  for (let user = 0; user < users; user++) ledger.add(user, AMOUNT, Buffer.from(nameOf(user)));
  return ledger;
}

/** Its files under other names, without their bytes: a server never writes to the files of an earlier start. */
export function copyJournal(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyJournal(source, target);
    else linkSync(source, target);
  }
}

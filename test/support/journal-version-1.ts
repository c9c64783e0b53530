/**
 * Writes the folder of a journal of format version 1, byte by byte as the servers of then did, which knew no ids and no
 * transfers. It shares no code with the journal of today, so that it stays what it was.
 *
 * ```
 *  meta.json                  {"format":"tally-journal","version":1,"epoch":7}
 *  epoch-000007/snapshot-…    64 bytes: TALLYSNP, version, epoch, lanes, users, time (float64), mark, start
 *                             a lane: segment and number of the next block (float64 each)
 *                             a user: index, bytes of the name, balance (float64), name; padded to 8 bytes
 *                             8 bytes: CRC-32 of all before them, and 0
 *  epoch-000007/lane-0/….log  64 bytes: TALLYSEG, version, epoch, lane, segment, mark, start, bytes; the last 4: CRC-32
 *    a block                  CRC-32, bytes, mark, events; number, first, time, synced (float64); amounts, bytes of names
 *    its slots                user and amount; wide: user with the top bit, and the number of who asks
 *    its amounts, its names   float64 of each wide slot; sequence, index, bytes, name; padded to 8 bytes
 * ```
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

const SECRET = { mark: 0xc0ffee11, start: 0x2badcafe };
const SEGMENT_BYTES = 4_096;
const HEADER_BYTES = 64;
const WIDE = 2 ** 31;

export interface OldEvent {
  /** Its index. */
  user: number;
  /** 0: a request for the balance. */
  amount: number;
  /** Somebody waits for the answer. */
  isAsked?: boolean;
  /** Its first event: the name of the user. */
  name?: string;
}

export interface OldLane {
  /** Where it goes on behind the snapshot. */
  segment: number;
  number: number;
  /** The blocks of each segment from there on. A block without events says that the server had stopped. */
  segments: OldEvent[][][];
  /** What was on its way when the server ended: half of it is there. */
  torn?: OldEvent[];
}

export interface OldJournal {
  epoch: number;
  snapshot: number;
  /** Of the snapshot, and of the first block of each lane behind it. */
  timeMs: number;
  blocksMs: number;
  users: { index: number; name: string; balance: number }[];
  lanes: OldLane[];
}

export function writeOldJournal(dir: string, journal: OldJournal): void {
  const { epoch, snapshot, lanes } = journal;
  const folder = join(dir, `epoch-${padded(epoch)}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(dir, 'meta.json'),
    `${JSON.stringify({ format: 'tally-journal', version: 1, epoch })}\n`,
  );
  writeFileSync(join(folder, `snapshot-${padded(snapshot)}`), snapshotBytes(journal));
  lanes.forEach(({ segment, number, segments, torn }, lane) => {
    const laneFolder = join(folder, `lane-${lane}`);
    mkdirSync(laneFolder);
    const place = { number, first: 10 * number, timeMs: journal.blocksMs };
    // The last segment is there before it is needed.
    [...segments, []].forEach((blocks, at) => {
      const parts = blocks.map(events => blockBytes(place, events));
      if (torn !== undefined && at === segments.length - 1) {
        const whole = blockBytes(place, torn);
        parts.push(whole.subarray(0, whole.length / 2));
      }
      const bytes = Buffer.alloc(SEGMENT_BYTES);
      Buffer.concat([segmentHeader(epoch, lane, segment + at), ...parts]).copy(bytes);
      writeFileSync(join(laneFolder, `${padded(segment + at)}.log`), bytes);
    });
  });
}

const padded = (number: number) => String(number).padStart(6, '0');
/** With zeros up to a multiple of 8. */
const toEight = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 7)]);

function words(...values: number[]): Buffer {
  return Buffer.from(Uint32Array.from(values).buffer);
}

function floats(...values: number[]): Buffer {
  return Buffer.from(Float64Array.from(values).buffer);
}

function snapshotBytes({ epoch, timeMs, users, lanes }: OldJournal): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  Buffer.concat([
    Buffer.from('TALLYSNP'),
    words(1, epoch, lanes.length, users.length),
    floats(timeMs),
    words(SECRET.mark, SECRET.start),
  ]).copy(header);
  const bytes = Buffer.concat([
    header,
    ...lanes.map(({ segment, number }) => floats(segment, number)),
    ...users.map(({ index, name, balance }) => {
      const nameBytes = Buffer.from(name);
      return toEight(Buffer.concat([words(index, nameBytes.length), floats(balance), nameBytes]));
    }),
  ]);
  return Buffer.concat([bytes, words(crc32(bytes), 0)]);
}

function segmentHeader(epoch: number, lane: number, segment: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  Buffer.concat([
    Buffer.from('TALLYSEG'),
    words(1, epoch, lane, segment, SECRET.mark, SECRET.start, SEGMENT_BYTES),
  ]).copy(header);
  header.writeUInt32LE(crc32(header.subarray(0, 60)), 60);
  return header;
}

/** The next block of a lane. Every one before it had been synced. */
function blockBytes(place: { number: number; first: number; timeMs: number }, events: OldEvent[]): Buffer {
  const isWide = ({ amount, isAsked = false }: OldEvent) => isAsked || (amount | 0) !== amount;
  const slots = events.map(event =>
    isWide(event)
      ? words(event.user + WIDE, event.isAsked === true ? 1 : 0)
      : words(event.user, event.amount >>> 0),
  );
  const amounts = events.filter(isWide).map(({ amount }) => floats(amount));
  const names = events.flatMap(({ user, name }, event) => {
    if (name === undefined) return [];
    const bytes = Buffer.from(name);
    return [toEight(Buffer.concat([words(place.first + event, user, bytes.length), bytes]))];
  });
  const parts = Buffer.concat([...slots, ...amounts, ...names]);
  const nameBytes = Buffer.concat(names).length;
  const header = Buffer.concat([
    words(0, HEADER_BYTES + parts.length, SECRET.mark, events.length),
    floats(place.number, place.first, place.timeMs, place.number),
    words(amounts.length, nameBytes, 0, 0),
  ]);
  const block = Buffer.concat([header, parts]);
  block.writeUInt32LE(crc32(block.subarray(4), SECRET.start), 0);
  place.number += 1;
  place.first += events.length;
  place.timeMs += 1;
  return block;
}

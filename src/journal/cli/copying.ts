/**
 * A whole and consistent copy of a journal, beside a server that goes on writing.
 *
 * Not files are copied but blocks: of each lane, those that are whole, one behind the other. So the copy ends where the
 * server was, whatever it was writing. Zeros behind the blocks are left out. A lane ends with an empty segment, as the
 * format wants it.
 */
import { readWhole, realDisk } from '../disk.ts';
import { laneFilesOf, type Part, writeMeta } from '../folder.ts';
import {
  epochName,
  laneName,
  SEGMENT_HEADER_BYTES,
  segmentHeader,
  segmentName,
  snapshotName,
} from '../format.ts';
import type { Block, LaneAt, LaneFiles } from '../lane-reader.ts';
import type { Kept } from './kept.ts';
import { readAgain } from './reading.ts';

interface Segment {
  number: number;
  content: Uint8Array;
}

const BESIDE = '.tmp';

/** Copies what is held into `to`, an empty folder. It is a journal when all of it is there, not before. */
export async function copyJournal(
  kept: Kept,
  to: string,
  onProgress: (bytes: number) => void,
): Promise<number> {
  let bytes = 0;
  const onWritten = async (more: number) => {
    bytes += more;
    onProgress(bytes);
    // For signals.
    await new Promise(setImmediate);
  };
  const epochs = [...new Set(kept.parts.map(({ epoch }) => epoch))];
  for (const epoch of epochs) {
    const parts = kept.parts.filter(part => part.epoch === epoch);
    await copyEpoch(kept, parts, `${to}/${epochName(epoch)}${BESIDE}`, onWritten);
  }
  // The newest first: without it, the older ones are nobody's.
  for (const epoch of epochs.toReversed())
    realDisk.rename(`${to}/${epochName(epoch)}${BESIDE}`, `${to}/${epochName(epoch)}`);
  realDisk.syncFolder(to);
  writeMeta(realDisk, to, epochs.at(-1)!);
  return bytes;
}

async function copyEpoch(
  kept: Kept,
  parts: readonly Part[],
  folder: string,
  onWritten: (bytes: number) => Promise<void>,
): Promise<void> {
  realDisk.makeFolder(folder);
  for (const { path, snapshot } of parts) {
    const content = readWhole(kept.disk, path);
    write(`${folder}/${snapshotName(snapshot)}`, content);
    await onWritten(content.length);
  }
  const first = parts[0]!;
  for (const [lane, at] of first.lanes.entries()) {
    const laneFolder = `${folder}/${laneName(lane)}`;
    realDisk.makeFolder(laneFolder);
    const files = laneFilesOf(first, lane);
    for (const segment of segmentsOf(kept, files, at, kept.endOf(first, lane))) {
      write(`${laneFolder}/${segmentName(segment.number)}`, segment.content);
      await onWritten(segment.content.length);
    }
    realDisk.syncFolder(laneFolder);
  }
  realDisk.syncFolder(folder);
}

/** The segments of a lane with their blocks, and an empty one. */
function* segmentsOf(kept: Kept, files: LaneFiles, from: LaneAt, before: number): Generator<Segment> {
  const empty = (segment: number) => ({
    number: segment,
    content: headerFor(files, segment, SEGMENT_HEADER_BYTES),
  });
  let segment = from.segment;
  let last: Block | undefined;
  for (const block of readAgain(kept.disk, files, from, before)) {
    while (segment < block.segment) {
      yield last === undefined ? empty(segment) : upTo(files, last);
      last = undefined;
      segment++;
    }
    last = block;
  }
  if (last !== undefined) {
    yield upTo(files, last);
    segment++;
  }
  yield empty(segment);
}

/** The segment of a block, up to the end of it. */
function upTo(files: LaneFiles, { view, segment, offset, bytes }: Block): Segment {
  const end = offset + bytes;
  const content = Buffer.from(new Uint8Array(view.buffer, view.byteOffset, end));
  content.set(headerFor(files, segment, end));
  return { number: segment, content };
}

/** A header says how long its file is. */
function headerFor(files: LaneFiles, segment: number, bytes: number): Buffer {
  const header = { ...files, segment, bytes };
  return segmentHeader(header);
}

function write(path: string, content: Uint8Array): void {
  const file = realDisk.open(path, 'create');
  try {
    file.write([content], 0);
    file.sync();
  } finally {
    file.close();
  }
}

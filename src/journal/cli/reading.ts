/**
 * Reads a lane that a server may be writing to. A block that is written while it is read looks torn, and one that was
 * written a moment later looks like damage behind it: so what looks wrong is read again, before it is believed.
 */
import type { Disk } from '../disk.ts';
import { Damage, segmentName } from '../format.ts';
import { type Block, type LaneAt, type LaneEnd, type LaneFiles, readLane } from '../lane-reader.ts';
import type { Ledger, OnEvent } from '../ledger.ts';

const TRIES = 3;
const REST_MS = 100;

/** As `readLane`. */
export function* readAgain(
  disk: Disk,
  files: LaneFiles,
  from: LaneAt,
  before: number,
): Generator<Block, LaneEnd> {
  /** The start of the segment that is read. */
  let start = from;
  let { number } = from;
  for (let tries = 0; ; ) {
    const blocks = readLane(disk, files, start, before);
    try {
      for (let next = blocks.next(); ; next = blocks.next()) {
        if (next.done) return next.value;
        const block = next.value;
        if (block.number < number) continue;
        if (block.segment !== start.segment) start = { segment: block.segment, number: block.number };
        number = block.number + 1;
        tries = 0;
        yield block;
      }
    } catch (error) {
      if (!(error instanceof Damage) || tries === TRIES) throw error;
      tries++;
      pause(REST_MS);
    }
  }
}

/** Throws `Damage` if the block can't be applied. */
export function applyTo(ledger: Ledger, { folder, lane }: LaneFiles, block: Block, onEvent?: OnEvent): void {
  const wrong = ledger.apply(lane, block, onEvent);
  if (wrong !== undefined) throw new Damage(`${folder}/${segmentName(block.segment)}`, block.offset, wrong);
}

export function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

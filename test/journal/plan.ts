/** What a world is made of, how its workers and it end, and what it has told its clients. */
import type { ArchivistStart } from '../../src/journal/archivist.ts';
import type { Sync } from '../../src/journal/lane-writer.ts';

export const DIR = '/data';

export interface Plan {
  workers: number;
  ringSlots: number;
  users: number;
  sync: Sync;
  segmentBytes: number;
  firstSequence: number;
  keep: ArchivistStart['keep'];
}

/** The process ends here: nothing after it happens. */
export class Crash extends Error {}
/** A worker's thread ends here. */
export class Death extends Error {}

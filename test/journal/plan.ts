/** What a world is made of, how its workers and it end, and what it has told its clients. */
import type { ArchivistStart } from '../../src/journal/archivist.ts';
import type { Sync } from '../../src/journal/lane-writer.ts';

export const DIR = '/data';
export const ID_KEY = [1, 2, 3, 4] as const;

export interface Plan {
  workers: number;
  ringSlots: number;
  users: number;
  sync: Sync;
  segmentBytes: number;
  firstSequence: number;
  keep: ArchivistStart['keep'];
  /** Ids that each lane remembers; 0: no event has more than a user and an amount. */
  idsMax: number;
}

/** The process ends here: nothing after it happens. */
export class Crash extends Error {}
/** A worker's thread ends here. */
export class Death extends Error {}

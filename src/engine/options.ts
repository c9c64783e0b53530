/**
 * What an engine is made with, and what it counts.
 */
import type { Shape, WorkKind } from './memory-layout.ts';

/** The names are those of the server's settings, which are passed unchanged. */
export interface EngineOptions {
  workers: number;
  /** Slots of each worker's ring; a power of two. */
  ring: number;
  /** The most users there can be. */
  users: number;
  workUs: number;
  work: WorkKind;
  /** What becomes of an event whose ring is full: refused by default. */
  whenFull?: 'reject' | 'wait';
  /** How many ids are remembered, by all workers together, and for how long at least; none by default. */
  idsMax?: number;
  idsMs?: number;
  /** How many are brought back, and must have a place whatever `idsMax` is. */
  idsRestored?: number;
  /** The number of the first transfer; 1 by default. */
  firstTransfer?: number;
  /** The first sequence: tests start just below where sequences wrap. */
  firstSequence?: number;
}

export interface Counts {
  received: number;
  processed: number;
  dropped: number;
  queued: number;
}

/** The memory that the options ask for. Ids are shared out: each worker has a part of the places. */
export function shapeFor(options: EngineOptions, balanceSlots: number): Shape {
  const { workers, ring, workUs, work, idsMax = 0, idsMs = 0, idsRestored = 0 } = options;
  const laneIds = Math.ceil(idsMax / workers);
  const ids = Math.max(laneIds, idsRestored);
  return {
    ...{ workers, ringSlots: ring, balanceSlots, workUs, workKind: work },
    ...{ idSlots: ids === 0 ? 0 : 2 ** Math.ceil(Math.log2(ids)), idsMax: laneIds, idsMs },
  };
}

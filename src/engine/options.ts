/**
 * What an engine is made with, and what it counts.
 */
import type { WorkKind } from './memory-layout.ts';

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
  /** The first sequence: tests start just below where sequences wrap. */
  firstSequence?: number;
}

export interface Counts {
  received: number;
  processed: number;
  dropped: number;
  queued: number;
}

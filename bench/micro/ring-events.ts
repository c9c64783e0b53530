/**
 * The events of the ring bench: the contents of the nth, and the digest by which both ends check that all arrived,
 * whole and in order. Pure arithmetic, so that making them costs little, and the same for every way.
 */
import type { MessagePort } from 'node:worker_threads';

const SEED = 20_011;

/** No more events than this are ever under way: the slots of the ring, the window of the messages. */
export const BACKLOG_MAX = 4_096;

export type Way = 'ring' | 'message' | 'shift' | 'index';

/** The task of a thread of the bench. */
export interface RingWork {
  way: Way;
  role: 'produce' | 'consume' | 'both';
  /** Events published, or posted, at once. */
  batch: number;
  /** In all; a multiple of `batch`. */
  events: number;
  /** The first events, which are not measured. */
  warmUpEvents: number;
  buffer?: SharedArrayBuffer;
  port?: MessagePort;
}

/** The consumer's report: what arrived, and the time per event. */
export interface RingAnswer {
  digest: number;
  nsPerEvent: number;
}

export interface Event {
  user: number;
  ask: number;
  amount: number;
}

export function userAt(index: number): number {
  return Math.imul(index + SEED, 0x9e3779b1) >>> 12;
}

export function amountAt(index: number): number {
  return (Math.imul(index ^ SEED, 0x85ebca6b) >>> 16) + 1;
}

/** Adds one event to a digest. The order of the events matters. */
export function digested(digest: number, user: number, amount: number): number {
  return (Math.imul(digest, 31) + user + amount) | 0;
}

/** The required digest of the first `events` events. */
export function digestOf(events: number): number {
  let digest = 0;
  for (let index = 0; index < events; index++) digest = digested(digest, userAt(index), amountAt(index));
  return digest;
}

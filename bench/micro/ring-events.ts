/**
 * The events that go from thread to thread in the ring bench: what the nth carries, and the digest by which both ends
 * agree that all came, whole and in order. Pure arithmetic, so that making them costs every way the same little.
 */
import type { MessagePort } from 'node:worker_threads';

const SEED = 20_011;

/** No more events than this are ever under way: the slots of the ring, the window of the messages. */
export const BACKLOG_MAX = 4_096;

export type Way = 'ring' | 'message' | 'shift' | 'index';

/** What a thread of the bench is told. */
export interface RingWork {
  way: Way;
  role: 'produce' | 'consume' | 'both';
  /** Events published, or posted, at once. */
  batch: number;
  /** In all; a multiple of `batch`. */
  events: number;
  /** So many of them are not measured. */
  warmUpEvents: number;
  buffer?: SharedArrayBuffer;
  port?: MessagePort;
}

/** Whoever consumed says what came, and how long each took. */
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

/** Takes one more event into a digest. The order of the events matters. */
export function digested(digest: number, user: number, amount: number): number {
  return (Math.imul(digest, 31) + user + amount) | 0;
}

/** What the digest must be behind the first `events`. */
export function digestOf(events: number): number {
  let digest = 0;
  for (let index = 0; index < events; index++) digest = digested(digest, userAt(index), amountAt(index));
  return digest;
}

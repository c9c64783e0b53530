/**
 * The words of the engine's memory, and how many there are of each; where they lie is in memory-layout.ts.
 */

/** Words of a ring slot; see ring.ts. */
export const SLOT_WORDS = 2;

/** Words of what a rich slot has beside it; see extra.ts. */
export const EXTRA_WORDS = 10;
/** Words of an id that is remembered; see ids.ts. */
export const ID_WORDS = 16;
/** The most events that a worker applies between two stores of its head, and so the most balances it saves. */
export const RUN_EVENTS_MAX = 256;

/** Words of a worker's control lines, counted from the start of its block. */
export const Word = {
  /** Next sequence to write. Publishes the slots below it. Producer writes, consumer reads. */
  tail: 0,
  /** Bumped to wake the consumer: the word it sleeps on. Producer writes, consumer reads. */
  bell: 1,
  /** The last value of `messages` that the producer has seen and acts on. Producer writes, consumer reads. */
  acknowledged: 2,
  /** Bumped to request a message at the next progress of any kind. Producer writes, consumer reads. */
  wanted: 3,
  /** 1: exit as soon as the ring is empty. Producer writes, consumer reads. */
  stop: 4,
  /** 1: take no events from the ring (a debug request). Producer writes, consumer reads. */
  frozen: 5,
  /** 1: die at the next event (a debug request). Producer writes, consumer reads. */
  crash: 6,
  /** Next sequence to read. Publishes balances, answers and counts of all below. Consumer writes, producer reads. */
  head: 32,
  /** How the consumer rests: `ticket * 4 + Rest`. Consumer writes, producer reads. */
  rest: 33,
  /** How often the consumer has sent the socket thread a message. Consumer writes, producer reads. */
  messages: 34,
  /** Parked waits that found work without a notification; must stay 0. Consumer writes, producer reads. */
  lateWakes: 35,
  /** Parks and naps so far, modulo 2^32. Consumer writes, producer reads. */
  parks: 36,
  naps: 37,
  /** The oldest id that is remembered, and the next one: free-running, from 1. Consumer writes, its successor reads. */
  idsHead: 38,
  idsTail: 39,
  /** Answers that are refusals, so far, modulo 2^32. Consumer writes, producer reads. */
  refusals: 40,
  /** The sequence after the run being applied; `head` if there is none. Consumer writes, its successor reads. */
  begun: 64,
} as const;

/** BigInt64 words of the consumer line, in units of 8 bytes from the start of the block. */
export const Count = {
  processed: 24,
  overflowed: 25,
  insufficient: 26,
  reused: 27,
  duplicate: 28,
  idsFull: 29,
} as const;

/**
 * Float64 words of `before`, after the balances of the run's users, which are in the order of its events: the counts,
 * and, of a run with rich slots, the next id and the balances of the other users.
 */
export const Before = {
  processed: RUN_EVENTS_MAX,
  overflowed: RUN_EVENTS_MAX + 1,
  insufficient: RUN_EVENTS_MAX + 2,
  reused: RUN_EVENTS_MAX + 3,
  duplicate: RUN_EVENTS_MAX + 4,
  idsFull: RUN_EVENTS_MAX + 5,
  idsTail: RUN_EVENTS_MAX + 6,
  others: RUN_EVENTS_MAX + 7,
} as const;

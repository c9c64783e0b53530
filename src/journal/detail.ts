/**
 * What a journal says of itself, from the words that its threads share.
 */
import {
  BUCKETS,
  bucketMs,
  Count,
  Head,
  HeadCount,
  headCountsOf,
  headOf,
  journalLaneOf,
  Word,
} from './memory.ts';

export interface JournalDetail {
  blocks: number;
  bytes: number;
  events: number;
  syncs: number;
  write_ms: number;
  disk_full: number;
  snapshots: number;
  snapshot_age_ms: number;
  recovered_events: number;
  recovery_ms: number;
  /** How many writes took less than so many milliseconds, and not less than the one before. */
  write_times: { ms: number; count: number }[];
}

export function detailOf(
  buffer: SharedArrayBuffer,
  lanes: number,
  isSyncedEach: boolean,
  recovered: { events: number; ms: number },
): JournalDetail {
  const memories = Array.from({ length: lanes }, (_, lane) => journalLaneOf(buffer, lanes, lane));
  const sum = (word: number) =>
    memories.reduce((total, { counts }) => total + Number(Atomics.load(counts, word)), 0);
  const blocks = sum(Count.blocks);
  return {
    blocks,
    bytes: sum(Count.bytes),
    events: sum(Count.events),
    syncs: isSyncedEach ? blocks : sum(Count.syncs),
    write_ms: Math.round(sum(Count.writeNs) / 1e6),
    disk_full: memories.some(({ words }) => Atomics.load(words, Word.full) === 1) ? 1 : 0,
    snapshots: Atomics.load(headOf(buffer), Head.snapshots),
    snapshot_age_ms: Date.now() - Number(Atomics.load(headCountsOf(buffer), HeadCount.snapshotMs)),
    recovered_events: recovered.events,
    recovery_ms: Math.round(recovered.ms),
    write_times: Array.from({ length: BUCKETS }, (_, bucket) => ({
      ms: bucket === BUCKETS - 1 ? Infinity : bucketMs(bucket),
      count: memories.reduce((total, { buckets }) => total + (Atomics.load(buckets, bucket) >>> 0), 0),
    })).filter(({ count }) => count > 0),
  };
}

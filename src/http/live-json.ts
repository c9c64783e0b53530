/**
 * The JSON that the live page requests twice a second: the metrics under their names on the wire, the rings, and the
 * shards.
 */
import { memoryUsage } from 'node:process';
import type { HttpThreadStart } from './snapshot.ts';
import type { Seen } from './snapshot-cache.ts';

export function liveJson({ snapshot, answerMs }: Seen, { version, startedAtMs }: HttpThreadStart): string {
  const { state, metrics, rings, shards, owners, delay } = snapshot;
  return JSON.stringify({
    version,
    started_at: startedAtMs,
    state,
    metrics,
    rings: rings.map(({ head, tail, processed, isReady }) => ({ head, tail, processed, ready: isReady })),
    shards: {
      pushed: shards.pushed,
      sampled: shards.sampled,
      events: Array.from(shards.events, Math.round),
      users: Array.from(shards.users),
      owners,
    },
    delay: { p50_ms: delay.p50Ms, p99_ms: delay.p99Ms, max_ms: delay.maxMs },
    answer_ms: Number(answerMs.toFixed(3)),
    resident_bytes: memoryUsage.rss(),
  });
}

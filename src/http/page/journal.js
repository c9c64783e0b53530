/**
 * The journal: how often and how long it writes, what it takes, and what it brought back. A server without one shows
 * nothing of it.
 */
import { bytes, duration, milliseconds, put, rate, whole } from './format.js';

const part = document.getElementById('journal');

/** `now` and `earlier` are the journal's metrics in two views, so many ms apart; equal in the first view. */
export function showJournal(now, earlier, ms) {
  part.hidden = now === undefined;
  if (now === undefined) return;
  const grown = name => (earlier === undefined ? 0 : Math.max(0, now[name] - earlier[name]));
  const perS = name => (ms === 0 ? 0 : (grown(name) * 1000) / ms);
  const text = (value, format) => (ms === 0 || value === undefined ? '–' : format(value));
  const writes = grown('blocks');
  const times = grownTimes(now.write_times, earlier?.write_times ?? []);
  put('journal-writes', text(perS('blocks'), rate), perS('blocks'));
  put('journal-syncs', text(perS('syncs'), rate), perS('syncs'));
  const events = writes === 0 ? undefined : grown('events') / writes;
  put('journal-events', text(events, rate), events ?? '');
  for (const [id, share] of [
    ['journal-p50', 0.5],
    ['journal-p99', 0.99],
  ]) {
    const limit = limitOf(times, share);
    put(id, text(limit, limitText), limit ?? '');
  }
  put('journal-bytes', bytes(now.bytes), now.bytes);
  put('journal-snapshots', whole(now.snapshots), now.snapshots);
  // A clock that was set back makes an age that is none.
  put('journal-age', duration(Math.max(0, now.snapshot_age_ms)), now.snapshot_age_ms);
  put('journal-recovered', whole(now.recovered_events), now.recovered_events);
  put('journal-recovery', `${whole(now.recovery_ms)} ms`, now.recovery_ms);
  put('journal-full', now.disk_full === 0 ? 'yes' : 'no', now.disk_full);
}

/** How many writes took how long between two views, from the fastest on. A limit of null is none. */
function grownTimes(now, earlier) {
  const before = new Map(earlier.map(({ ms, count }) => [ms, count]));
  return now
    .map(({ ms, count }) => ({ limit: ms ?? Infinity, count: Math.max(0, count - (before.get(ms) ?? 0)) }))
    .sort((one, other) => one.limit - other.limit);
}

/** The limit in ms below which so many of them are; undefined if there are none. */
function limitOf(times, share) {
  const rank = share * times.reduce((sum, { count }) => sum + count, 0);
  let below = 0;
  if (rank === 0) return undefined;
  for (const { limit, count } of times) {
    below += count;
    if (below >= rank) return limit;
  }
}

function limitText(ms) {
  return ms === Infinity ? '> 4 s' : `< ${milliseconds(ms)} ms`;
}

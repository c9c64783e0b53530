/**
 * The journal: how often and how long it writes, what it takes, and what it brought back. A server without one shows
 * nothing of it.
 */
import { bytes, duration, put, rate, whole } from './format.js';
import { grownTimes, limitOf, limitText } from './histogram.js';

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
    put(
      id,
      text(limit, each => limitText(each, '> 4 s')),
      limit ?? '',
    );
  }
  put('journal-bytes', bytes(now.bytes), now.bytes);
  put('journal-snapshots', whole(now.snapshots), now.snapshots);
  // A clock that was set back makes an age that is none.
  put('journal-age', duration(Math.max(0, now.snapshot_age_ms)), now.snapshot_age_ms);
  put('journal-recovered', whole(now.recovered_events), now.recovered_events);
  put('journal-recovery', `${whole(now.recovery_ms)} ms`, now.recovery_ms);
  put('journal-full', now.disk_full === 0 ? 'yes' : 'no', now.disk_full);
}

/**
 * What a node of a cluster has in place of rings and a journal: its partitions, each with a stream that all nodes read,
 * and what acknowledgements take. A server alone shows nothing of it.
 */
import { duration, put, rate, svg, whole } from './format.js';
import { grownTimes, limitOf, limitText } from './histogram.js';

/** A lag of so many blocks fills a bar, unless another one is longer. */
const LAG_LEAST = 50;
const BAR = 100;

const parts = document.querySelectorAll('[data-of="node"]');
const partsAlone = document.querySelectorAll('[data-of="alone"]');
const rows = document.getElementById('partition-rows');

/** Shows the parts of the page that are for a node, or for a server alone. */
export function showKind(isNode) {
  for (const part of parts) part.hidden = !isNode;
  for (const part of partsAlone) part.hidden = isNode;
}

/** `now` and `earlier` are the cluster's metrics in two views, so many ms apart; equal in the first view. */
export function showCluster(now, earlier, ms, own) {
  const grown = name => (earlier === undefined ? 0 : Math.max(0, now[name] - earlier[name]));
  const perS = number => (ms === 0 ? 0 : (number * 1000) / ms);
  const text = (value, format) => (ms === 0 || value === undefined ? '–' : format(value));
  const sent = grown('blocks_sent');
  const times = grownTimes(now.ack_times, earlier?.ack_times ?? []);
  put('cluster-up', now.up === 1 ? 'yes' : 'no', 1 - now.up);
  put('cluster-stored', text(perS(grown('blocks_stored')), rate), perS(grown('blocks_stored')));
  const events = sent === 0 ? undefined : grown('events_sent') / sent;
  put('cluster-events', text(events, rate), events ?? '');
  for (const [id, share] of [
    ['cluster-p50', 0.5],
    ['cluster-p99', 0.99],
  ]) {
    const limit = limitOf(times, share);
    put(
      id,
      text(limit, each => limitText(each, '> 10 s')),
      limit ?? '',
    );
  }
  put('cluster-under-way', whole(now.blocks_under_way), now.blocks_under_way);
  put('cluster-sent', whole(now.blocks_sent), now.blocks_sent);
  put('cluster-resent', whole(now.blocks_resent), now.blocks_resent);
  put('cluster-reconnects', whole(now.reconnects), now.reconnects);
  put('cluster-remade', whole(now.consumers_remade), now.consumers_remade);
  put('cluster-age', ageOf(now.snapshot_age_ms), now.snapshot_age_ms);
  put('cluster-makes', now.makes_snapshots === 1 ? 'yes' : 'no', now.makes_snapshots);
  showPartitions(now, earlier, perS, own);
}

function ageOf(ms) {
  return ms < 0 ? 'none yet' : duration(ms);
}

function showPartitions({ lags, sequences }, earlier, perS, own) {
  while (rows.children.length > lags.length) rows.lastChild.remove();
  while (rows.children.length < lags.length) rows.append(rowOf(rows.children.length));
  const most = Math.max(LAG_LEAST, ...lags);
  lags.forEach((lag, partition) => {
    const row = rows.children[partition];
    const [, , behind, applied, last, mine] = row.cells;
    row.querySelector('.lag').setAttribute('width', ((lag / most) * BAR).toFixed(1));
    row.dataset.lag = lag;
    write(behind, whole(lag));
    const before = earlier?.sequences[partition] ?? sequences[partition];
    write(applied, rate(perS(Math.max(0, sequences[partition] - before))));
    write(last, whole(sequences[partition]));
    write(mine, whole(own[partition] ?? 0));
  });
}

function rowOf(partition) {
  const row = document.createElement('tr');
  const head = document.createElement('th');
  head.scope = 'row';
  head.textContent = partition;
  const bar = document.createElement('td');
  bar.className = 'bar';
  bar.append(
    svg('svg', { viewBox: `0 0 ${BAR} 10`, preserveAspectRatio: 'none', 'aria-hidden': true }, [
      svg('rect', { class: 'ground', width: BAR, height: 10 }),
      svg('rect', { class: 'lag', width: 0, height: 10 }),
    ]),
  );
  row.append(head, bar);
  for (let column = 0; column < 4; column++) row.append(document.createElement('td'));
  return row;
}

function write(cell, text) {
  if (cell.textContent !== text) cell.textContent = text;
}

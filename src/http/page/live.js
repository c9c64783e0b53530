/**
 * The live page: shows the server's snapshots, twice a second, as figures, rings, curves and a heat map. Rates are
 * differences of the server's own counts over its own clock.
 */
import { Charts } from './charts.js';
import { showCluster, showKind } from './cluster.js';
import { Feed } from './feed.js';
import { duration, milliseconds, percent, put, rate, whole } from './format.js';
import { showJournal } from './journal.js';
import { Rings } from './rings.js';
import { Shards } from './shards.js';

/** The longest window, at two points a second. */
const POINTS_MAX = 1_800;
/** Rates (figures, curves and the heat map) are means over this time, so that they can be read. */
const FIGURE_MS = 2_000;
const HEAT_MS = 5_000;

const WINDOW_NAMES = { 60: 'minute', 300: '5 minutes', 900: '15 minutes' };
const BANNERS = {
  starting: 'The workers are starting.',
  degraded: 'A worker is missing, and is being replaced. Its ring fills until it is back; the others go on.',
  draining: 'The server is shutting down: it refuses new events, applies what it has accepted, and ends.',
  locked:
    'The token with which this page was opened may not read any more. Load the page again to give another one.',
  gone: 'The server does not answer: what you see is the last it said. Trying again.',
};

const BANNERS_OF_NODE = {
  starting: 'The node reads what it has missed. It serves when it has that.',
  degraded: 'Nothing can be stored in NATS: events wait, and balances are read. It goes on by itself.',
};

const rings = new Rings();
const shards = new Shards();
/** Made when it is known what answers: undefined before. */
let charts;

function chartsFor(isNode) {
  const level = isNode
    ? { title: 'Lag', unit: 'blocks', height: 92, least: 10, format: whole }
    : { title: 'Fullest ring', unit: 'of its slots', height: 92, most: 1, format: percent };
  return new Charts([
    {
      ...{ title: 'Throughput', unit: 'events/s', height: 150, least: 10, format: rate },
      curves: [
        { name: 'applied', of: point => point.applied },
        { name: 'refused', of: point => point.refused },
      ],
    },
    { ...level, curves: [{ name: '', of: point => point.level }] },
    {
      ...{
        title: 'Answer time of the socket thread',
        unit: 'ms',
        height: 92,
        least: 1,
        format: milliseconds,
      },
      curves: [{ name: '', of: point => point.answerMs }],
    },
  ]);
}

let windowS = 60;
let points = [];
/** Views of the last seconds, from old to new. */
let views = [];

function show(view) {
  const { metrics } = view;
  // Another server, perhaps of another version with another page; or a view that was shown before.
  const last = views.at(-1);
  if (last !== undefined && view.started_at !== last.started_at) {
    if (view.version !== last.version || isNode(view) !== isNode(last)) return location.reload();
    forget();
  }
  charts ??= begun(isNode(view));
  if (metrics.uptime_ms === views.at(-1)?.metrics.uptime_ms) return;
  views.push(view);
  views = views.filter(({ metrics: { uptime_ms } }) => metrics.uptime_ms - uptime_ms <= HEAT_MS * 2);

  remember(view);
  showState(view.state, isNode(view));
  showFigures(view);
  showShards(view);
  draw();
}

const isNode = ({ metrics }) => metrics.cluster !== undefined;

/** The first view has come. */
function begun(isOfNode) {
  showKind(isOfNode);
  if (isOfNode) {
    shards.ofNode();
    put('workers-name', 'partitions ready');
  }
  return chartsFor(isOfNode);
}

function forget() {
  views = [];
  points = [];
}

/** The latest view that is at least `ms` older than this one, or else the oldest. */
function before(view, ms) {
  return views.findLast(({ metrics }) => view.metrics.uptime_ms - metrics.uptime_ms >= ms) ?? views[0];
}

/** The growth of a count per second. */
function rateOf(view, earlier, countOf) {
  const seconds = (view.metrics.uptime_ms - earlier.metrics.uptime_ms) / 1000;
  return seconds === 0 ? 0 : Math.max(0, countOf(view) - countOf(earlier)) / seconds;
}

const applied = view => view.metrics.processed;
const refused = view => view.metrics.dropped;
const levelOf = ({ rings, metrics }) =>
  metrics.cluster === undefined
    ? Math.max(...rings.map(({ head, tail }) => ((tail - head) >>> 0) / metrics.ring_slots))
    : metrics.cluster.lags.reduce((sum, lag) => sum + lag, 0);

/** The first view tells no rate. */
function remember(view) {
  if (views.length < 2) return;
  const earlier = before(view, FIGURE_MS);
  points.push({
    time: performance.now() / 1000,
    applied: rateOf(view, earlier, applied),
    refused: rateOf(view, earlier, refused),
    level: levelOf(view),
    answerMs: view.answer_ms,
  });
  if (points.length > POINTS_MAX) points.shift();
}

/** Why events were dropped. */
const REASONS = [
  'server_busy',
  'too_many_users',
  'shutting_down',
  'disk_full',
  'rate_limited',
  'balance_overflow',
  'insufficient_balance',
  'id_reused',
  'duplicate',
];

function showFigures(view) {
  const { metrics } = view;
  const earlier = before(view, FIGURE_MS);
  const appliedRate = rateOf(view, earlier, applied);
  const refusedRate = rateOf(view, earlier, refused);
  const isFirst = earlier === view;
  put('applied-rate', isFirst ? '–' : rate(appliedRate), appliedRate);
  put('refused-rate', isFirst ? '–' : rate(refusedRate), refusedRate);
  put('queued', whole(metrics.queued), metrics.queued);
  put('ledger-queued', whole(metrics.queued), metrics.queued);
  put('answer', milliseconds(view.answer_ms), view.answer_ms);
  put('memory', whole(view.resident_bytes / 2 ** 20), view.resident_bytes);
  for (const name of [
    'received',
    'processed',
    'dropped',
    'connections',
    'connections_total',
    'connections_refused',
  ])
    put(name, whole(metrics[name]), metrics[name]);
  for (const name of [
    'closed_blocked',
    'closed_partial',
    'closed_idle',
    'closed_http',
    'closed_unauthorized',
    'closed_admin',
    'closed_handshake',
  ])
    put(name, whole(metrics[name]), metrics[name]);
  for (const name of ['invalid', 'users', 'users_max', 'ids', 'ids_max', 'in_transit'])
    put(name, whole(metrics[name]), metrics[name]);
  for (const name of ['worker_deaths', 'late_wakes']) put(name, whole(metrics[name]), metrics[name]);
  for (const reason of REASONS) put(reason, whole(metrics.refused[reason]), metrics.refused[reason]);
  put('workers', `${metrics.workers_ready} of ${metrics.workers}`, metrics.workers_ready);
  put('delay', `${milliseconds(view.delay.p99_ms)} ms`, view.delay.p99_ms);
  const elapsedMs = metrics.uptime_ms - earlier.metrics.uptime_ms;
  if (isNode(view)) showCluster(metrics.cluster, earlier.metrics.cluster, elapsedMs, metrics.ring_depths);
  else {
    const rates = view.rings.map((_, worker) =>
      rateOf(view, earlier, ({ rings }) => rings[worker].processed),
    );
    rings.show(view.rings, metrics.ring_slots, rates);
  }
  showJournal(metrics.journal, earlier.metrics.journal, elapsedMs);
  put('about', `up ${duration(metrics.uptime_ms)} · version ${view.version}`);
}

function showShards(view) {
  const earlier = before(view, HEAT_MS);
  const { events, users, owners } = view.shards;
  const rates = events.map((_, shard) => rateOf(view, earlier, ({ shards }) => shards.events[shard]));
  const pushed = view.shards.pushed - earlier.shards.pushed;
  const sampled = view.shards.sampled - earlier.shards.sampled;
  shards.show({ rates, users, owners, sampledShare: pushed === 0 ? 0 : sampled / pushed });
}

/** Announced by screen readers, only when it changes. */
function showState(state, isOfNode = false) {
  if (document.body.dataset.state === state) return;
  document.body.dataset.state = state;
  put('state-word', state);
  put('banner', (isOfNode ? BANNERS_OF_NODE[state] : undefined) ?? BANNERS[state] ?? '');
  document.title = state === 'serving' ? 'Tally' : `Tally: ${state}`;
}

function draw() {
  charts?.show(points, windowS, performance.now() / 1000);
}

const feed = new Feed(show, isLocked => {
  showState(isLocked ? 'locked' : 'gone');
  draw();
});

const pause = document.getElementById('pause');
pause.addEventListener('click', () => {
  feed.isPaused = !feed.isPaused;
  pause.textContent = feed.isPaused ? 'Go on' : 'Pause';
  if (feed.isPaused) showState('paused');
});
for (const choice of document.querySelectorAll('input[name=window]'))
  choice.addEventListener('change', () => {
    windowS = Number(choice.value);
    put('window-name', WINDOW_NAMES[windowS]);
    draw();
  });

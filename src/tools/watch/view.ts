/** A watched server as it is painted: rows that fit the terminal, and the history of each. Pure. */
import type { Paint } from '../../cli/terminal/colours.ts';
import { bar, fitted, gauge, padded, sparkline } from '../../cli/terminal/drawing.ts';
import { count, duration, ms } from '../../cli/terminal/numbers.ts';
import { clusterRows, clusterText } from './cluster.ts';
import { journalRows, journalText } from './journal.ts';
import type { Look, Metrics, Probes, State } from './look.ts';

interface WatchView {
  columns: number;
  rows: number;
  paint: Paint;
  isPaused: boolean;
  intervalMs: number;
}

const LABEL_COLUMNS = 13;
const VALUE_COLUMNS = 13;
/** Only where there is room for them. */
const PEAK_COLUMNS = 19;
const PEAKS_FROM_COLUMNS = 76;
const GRAPH_COLUMNS_MAX = 140;
/** A ring in less is no picture. */
const RING_COLUMNS_MIN = 18;
const RING_COLUMNS_MAX = 40;
const STATE_STYLES: Record<State, 'green' | 'yellow' | 'red'> = {
  ok: 'green',
  degraded: 'yellow',
  draining: 'yellow',
  silent: 'red',
  gone: 'red',
  foreign: 'red',
};

/** The last look and those before it, the oldest first. */
export function watchLines(history: readonly Look[], view: WatchView): string[] {
  const look = history.at(-1);
  const keys = view.paint('dim', keysLine(view));
  if (look === undefined) return ['', `  looking …`, '', keys];
  const body = bodyLines(history, look, view);
  // The keys stay on the screen, whatever else has no room.
  const room = Math.max(1, view.rows - 2);
  return [...body.slice(0, room), '', keys].map(line => fitted(line, view.columns));
}

/** What stays on the terminal in the end: the last picture, without colours and keys. */
export function lastLines(
  history: readonly Look[],
  view: Pick<WatchView, 'columns' | 'intervalMs'>,
): string[] {
  const look = history.at(-1);
  if (look === undefined) return [];
  return bodyLines(history, look, { ...view, rows: Number.POSITIVE_INFINITY, isPaused: false, paint: plain });
}

function plain(_: unknown, text: string): string {
  return text;
}

function keysLine({ isPaused, intervalMs }: WatchView): string {
  return `  q quit   p ${isPaused ? 'go on' : 'pause'}   + faster   - slower   (a look every ${duration(intervalMs)}${isPaused ? ', PAUSED' : ''})`;
}

function bodyLines(history: readonly Look[], look: Look, view: WatchView): string[] {
  const { paint } = view;
  const { metrics, rates } = look;
  // Of a server that does not answer, what it said last: no row goes, and nothing below it jumps.
  const isStale = look.state === 'gone' || look.state === 'silent';
  const said = isStale ? history.findLast(each => each.metrics !== undefined)?.metrics : metrics;
  const probes =
    look.probes ?? (isStale ? history.findLast(each => each.probes !== undefined)?.probes : undefined);
  const greyed = (draw: (asPlain: WatchView) => string[]) =>
    draw({ ...view, paint: plain }).map(line => paint('dim', line));
  const hasPeaks = view.columns >= PEAKS_FROM_COLUMNS;
  const before = LABEL_COLUMNS + VALUE_COLUMNS + (hasPeaks ? PEAK_COLUMNS : 0);
  const graph = Math.min(GRAPH_COLUMNS_MAX, view.columns - 2 - before);
  // The first look has no rates. Where there are some, all curves begin with them, in one column.
  const hasMetrics = history.some(each => each.metrics !== undefined);
  const begin = hasMetrics ? history.findIndex(each => each.rates !== undefined) : 0;
  const past = begin < 0 ? [] : history.slice(begin);
  /** The value of now, the highest that is shown, and all that are. */
  const curve = (
    label: string,
    style: 'green' | 'cyan' | 'red' | 'yellow',
    of: (look: Look) => number | undefined,
    write: (value: number) => string,
  ) => {
    const shown = graph < 1 ? [] : past.slice(-graph).map(of);
    const known = shown.filter(value => value !== undefined);
    const now = of(look);
    const peak = hasPeaks && known.length > 0 ? `peak ${write(Math.max(...known))}` : '';
    const value = padded(now === undefined ? '…' : write(now), VALUE_COLUMNS);
    return row(
      view,
      label,
      `${value}${hasPeaks ? paint('dim', padded(peak, PEAK_COLUMNS)) : ''}${paint(style, sparkline(shown, graph))}`,
    );
  };
  const perS = (value: number) => `${count(value)}/s`;
  const lines = [titleLine(look, view), ''];
  if (hasMetrics)
    lines.push(
      curve('received', 'cyan', each => each.rates?.receivedPerS, perS),
      curve('processed', 'green', each => each.rates?.processedPerS, perS),
      curve('dropped', 'red', each => each.rates?.droppedPerS, perS),
    );
  lines.push(
    curve(
      'slowest',
      'yellow',
      each => each.slowestMs,
      value => `${ms(value)} ms`,
    ),
  );
  const isOldHealth = look.probes === undefined && probes !== undefined;
  lines.push(
    ...(isOldHealth ? greyed(asPlain => [healthLine(probes, asPlain)]) : [healthLine(probes, view)]),
  );
  if (said !== undefined) {
    const figures = (of: WatchView) => [
      ...metricsLines(said, of),
      // A node has no rings.
      ...(said.cluster === undefined ? ringLines(said, of) : []),
      ...[
        ...(said.journal === undefined ? [] : journalRows(said.journal, rates?.journal)),
        ...(said.cluster === undefined ? [] : clusterRows(said.cluster, rates?.cluster)),
      ].map(each => row(of, ...each)),
    ];
    lines.push('', ...(isStale ? greyed(figures) : figures(view)));
  } else if (
    look.why === undefined &&
    rates === undefined &&
    ['ok', 'degraded', 'draining'].includes(look.state)
  )
    lines.push('', `  ${paint('dim', 'It has no metrics; steps 9 and 10 and the finished server have.')}`);
  return lines;
}

function row({ paint }: WatchView, label: string, value: string): string {
  return `  ${paint('dim', padded(label, LABEL_COLUMNS))}${value}`.trimEnd();
}

function healthLine(probes: Probes | undefined, view: WatchView): string {
  if (probes === undefined) return row(view, 'health', '…');
  const { count: probed, p50Ms, p99Ms, maxMs } = probes;
  const value = `p50 ${ms(p50Ms)}   p99 ${ms(p99Ms)}   max ${ms(maxMs)} ms   (${count(probed)} probe${probed === 1 ? '' : 's'} in 10 s)`;
  return row(view, 'health', value);
}

function titleLine({ address, state, why, metrics }: Look, { paint }: WatchView): string {
  const uptime = metrics?.uptime_ms === undefined ? '' : `   up ${duration(metrics.uptime_ms)}`;
  const said = why === undefined ? '' : `   ${why}`;
  const trying = state === 'gone' ? '; trying again' : '';
  return `${paint('bold', `tally watch ${address}`)}   ${paint(STATE_STYLES[state], `● ${state}`)}${said}${trying}${paint('dim', uptime)}`;
}

/** What the server says of itself beside its rates; a step says less. */
function metricsLines(metrics: Metrics, view: WatchView): string[] {
  const { received, processed, dropped, queued, refused } = metrics;
  const lines = [
    row(
      view,
      'in all',
      queued === undefined
        ? `${count(received)} received   ${count(processed)} processed   ${count(dropped)} dropped`
        : `${count(received)} = ${count(processed)} processed + ${count(dropped)} dropped + ${count(queued)} queued`,
    ),
  ];
  const reasons = Object.entries(refused ?? {}).filter(([, events]) => events > 0);
  if (refused !== undefined)
    lines.push(
      row(
        view,
        'refused',
        reasons.length === 0
          ? 'none'
          : reasons.map(([reason, events]) => `${reason} ${count(events)}`).join('   '),
      ),
    );
  if (metrics.connections !== undefined)
    lines.push(
      row(
        view,
        'connections',
        `${count(metrics.connections)} open (2 of them ours)   ${count(metrics.connections_total ?? 0)} so far   ${count(metrics.connections_refused ?? 0)} refused`,
      ),
      row(
        view,
        'closings',
        `not reading ${count(metrics.closed_blocked ?? 0)}   partial line ${count(metrics.closed_partial ?? 0)}   idle ${count(metrics.closed_idle ?? 0)}   HTTP ${count(metrics.closed_http ?? 0)}   unauthorized ${count(metrics.closed_unauthorized ?? 0)}   by an admin ${count(metrics.closed_admin ?? 0)}   in TLS ${count(metrics.closed_handshake ?? 0)}`,
      ),
      row(view, 'invalid', `${count(metrics.invalid ?? 0)} lines`),
    );
  if (metrics.ids !== undefined && metrics.ids + (metrics.in_transit ?? 0) > 0)
    lines.push(
      row(
        view,
        'ids',
        `${count(metrics.ids)} of ${count(metrics.ids_max ?? 0)} remembered   ${count(metrics.in_transit ?? 0)} in transit`,
      ),
    );
  if (metrics.workers !== undefined)
    lines.push(
      row(
        view,
        'workers',
        `${metrics.workers_ready ?? 0} of ${metrics.workers} ready   ${count(metrics.worker_deaths ?? 0)} died${metrics.users === undefined ? '' : `   ${count(metrics.users)} users of ${count(metrics.users_max ?? 0)}`}`,
      ),
    );
  return lines;
}

/** A bar a worker, side by side where there is room. */
function ringLines({ ring_depths: depths, ring_slots: slots }: Metrics, view: WatchView): string[] {
  if (depths === undefined || slots === undefined) return [];
  const room = view.columns - 2 - LABEL_COLUMNS;
  const figure = count(slots).length;
  // A worker's number, its bar, its depth, and a gap.
  const around = 3 + 1 + figure + 3;
  const beside = Math.max(1, Math.min(depths.length, Math.floor(room / (RING_COLUMNS_MIN + around))));
  const width = Math.max(2, Math.min(RING_COLUMNS_MAX, Math.floor(room / beside) - around));
  const cells = depths.map((depth, worker) => {
    const share = depth / slots;
    const style = share > 0.9 ? 'red' : share > 0.5 ? 'yellow' : 'green';
    const full = bar(share, width);
    const rest = gauge(0, width - [...full].length);
    return `${String(worker).padStart(2)} ${view.paint(style, full)}${view.paint('dim', rest)} ${count(depth).padStart(figure)}`;
  });
  const lines: string[] = [];
  for (let at = 0; at < cells.length; at += beside) {
    const label = at === 0 ? `rings, ${sizeText(slots)}` : '';
    lines.push(
      `  ${view.paint('dim', padded(label, LABEL_COLUMNS))}${cells.slice(at, at + beside).join('   ')}`,
    );
  }
  return lines;
}

function sizeText(slots: number): string {
  return slots >= 1_024 ? `${slots / 1_024} Ki` : String(slots);
}

/** A sample in one line, for output that is not a terminal. */
export function lookLine({ state, why, metrics, rates, probes }: Look): string {
  if (state === 'gone' || state === 'foreign') return `${state}: ${why}`;
  const parts: string[] = [why === undefined ? state : `${state}: ${why}`];
  if (metrics !== undefined) {
    if (rates !== undefined)
      parts.push(
        `received ${count(rates.receivedPerS)}/s`,
        `processed ${count(rates.processedPerS)}/s`,
        `dropped ${count(rates.droppedPerS)}/s`,
      );
    else
      parts.push(
        `received ${count(metrics.received)}`,
        `processed ${count(metrics.processed)}`,
        `dropped ${count(metrics.dropped)}`,
      );
    if (metrics.queued !== undefined) parts.push(`queued ${count(metrics.queued)}`);
    if (metrics.ring_depths !== undefined && metrics.cluster === undefined)
      parts.push(`rings ${metrics.ring_depths.map(count).join(' ')}`);
    if (metrics.connections !== undefined) parts.push(`connections ${count(metrics.connections)}`);
    if (metrics.journal !== undefined) parts.push(journalText(metrics.journal, rates?.journal));
    if (metrics.cluster !== undefined) parts.push(clusterText(metrics.cluster, rates?.cluster));
  }
  if (probes !== undefined)
    parts.push(`health p50 ${ms(probes.p50Ms)} p99 ${ms(probes.p99Ms)} max ${ms(probes.maxMs)} ms`);
  return parts.join('  ');
}

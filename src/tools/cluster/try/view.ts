/** The trial as it is painted, and its lines for a reader without a terminal. Pure. */
import type { Paint } from '../../../cli/terminal/colours.ts';
import { columnsOf, padded, wrapped } from '../../../cli/terminal/drawing.ts';
import { count, duration, ms } from '../../../cli/terminal/numbers.ts';
import type { Checked } from './load.ts';
import type { NodeLook, State } from './look.ts';
import { leaderlessOf, type NatsLook, streamsOf } from './nats-look.ts';

export interface NodeRow {
  readonly name: string;
  readonly address: string;
  /** Of its live page, if it has one. */
  readonly page: string | undefined;
  readonly look: NodeLook;
  /** Why it has ended by itself. */
  readonly complaint: string;
  /** It has made the last snapshot, as far as was seen. */
  readonly madeSnapshot: boolean;
}

export interface TrialView {
  readonly nodes: readonly NodeRow[];
  readonly nats: readonly NatsLook[];
  readonly load: LoadView;
  /** What has happened, the last at the end: the time, and a line. */
  readonly happened: readonly (readonly [string, string])[];
  readonly rows: number;
  readonly columns: number;
  readonly paint: Paint;
  readonly folder: string;
  readonly elapsedMs: number;
}

export interface LoadView {
  readonly isOn: boolean;
  readonly accepted: number;
  readonly open: number;
  readonly resent: number;
  /** For how long nothing has been answered that is due, in ms. */
  readonly silentMs: number;
  readonly checked: Checked;
  readonly wrong: readonly string[];
  readonly nodes: number;
}

const STYLES: Record<State | NatsLook['state'], 'green' | 'yellow' | 'red'> = {
  up: 'green',
  joining: 'yellow',
  unwell: 'yellow',
  degraded: 'yellow',
  draining: 'yellow',
  silent: 'red',
  down: 'red',
};
/** A silence that a person notices. */
const SILENT_MS = 500;
const FIGURES = ['events/s', 'applied/s', 'lag', 'acked in'] as const;
const COLUMNS = { key: 4, name: 8, state: 10, address: 17 } as const;
/** From so many columns on, rows show addresses, and lines are in their long form. */
const WIDE = 78;
/** Before what has happened: its time. */
const INDENT = 12;
/** What a person can do; the first that fits. */
const KEYS = [
  '1 2 3 kill a node, or start it again   4 5 6 a NATS server   l load   q quit',
  '1-3 kill or start a node  4-6 a NATS server  l load  q quit',
  '1-6 kill or start  l load  q quit',
] as const;

/** A row of the screen. Where there are too few, those with the highest rank are left out. */
type Row = readonly [rank: number, text: string];

export function trialLines(view: TrialView): string[] {
  const { nodes, nats, load, rows, columns, paint, folder, elapsedMs } = view;
  const isWide = columns >= WIDE;
  const streams = streamsOf(nats);
  const spoken = nodes.find(({ look }) => look.state === 'up') ?? nodes[0]!;
  const waiting = waitingText(isWide, nats, load);
  const above: Row[] = [
    [3, `${paint('bold', 'tally cluster try')}  for ${secondsText(elapsedMs)}, in ${folder}`],
    [9, ''],
    [4, paint('dim', nodeLine(isWide, '', 'node', 'state', 'address', ...FIGURES))],
    ...nodes.map((node, place): Row => [1, nodeRow(isWide, String(place + 1), node, paint)]),
    [9, ''],
    [5, paint('dim', natsLine(isWide, '', 'NATS', 'state', 'address', 'leads'))],
    ...nats.map((each, place): Row => {
      const key = String(nodes.length + place + 1);
      return [2, natsRow(isWide, key, each, streams, paint)];
    }),
    [waiting === '' ? 9 : 3, paint('yellow', waiting)],
    [3, `  load      ${loadText(isWide, load)}`],
    [0, `  money     ${moneyText(load, paint)}`],
    [7, `  snapshot  ${snapshotText(nodes)}`],
    [9, ''],
  ];
  const below: Row[] = [
    [8, paint('dim', '  to any node, by its port:')],
    [6, `  ${isWide ? speakTo(spoken) : lookAfter(spoken)}`],
    ...(spoken.page === undefined ? [] : ([[8, `  ${spoken.page}`]] as const)),
  ];
  const most = Math.max(0, rows - 1);
  const room = Math.max(1, most - above.length - below.length);
  const happened = happenedLines(view, room).map((text): Row => [3, text]);
  const filling = Array<Row>(Math.max(0, room - happened.length)).fill([9, '']);
  const lines = fitting([...above, ...happened, ...filling, ...below], most);
  const keys = KEYS.find(text => columnsOf(text) <= columns) ?? KEYS[2];
  return [...lines, paint('dim', keys)];
}

/** Those with the lowest rank, in their order. */
function fitting(rows: readonly Row[], most: number): string[] {
  const kept = new Set([...rows.keys()].sort((a, b) => rows[a]![0] - rows[b]![0] || a - b).slice(0, most));
  return rows.filter((_, place) => kept.has(place)).map(([, text]) => text);
}

/** The newest. In a few rows each has one, and is cut. */
function happenedLines({ happened, columns, paint }: TrialView, room: number): string[] {
  const width = room < 3 ? Number.POSITIVE_INFINITY : Math.max(1, columns - INDENT);
  return happened
    .flatMap(([time, what]) =>
      wrapped(what, width).map((line, place) =>
        place === 0 ? `  ${paint('dim', time)}  ${line}` : `${' '.repeat(INDENT)}${line}`,
      ),
    )
    .slice(-room);
}

function nodeRow(
  isWide: boolean,
  key: string,
  { name, address, look, complaint }: NodeRow,
  paint: Paint,
): string {
  const { figures, rates, state } = look;
  const shown = paint(STYLES[state], state);
  if (complaint !== '') return `${start(isWide, key, name, shown, address)} ${paint('red', complaint)}`;
  const isStuck = figures !== undefined && figures.underWay > 0 && rates !== undefined;
  return nodeLine(
    ...([isWide, key, name, shown, address] as const),
    rates === undefined ? '–' : count(Math.max(0, rates.sentPerS)),
    rates === undefined ? '–' : count(Math.max(0, rates.appliedPerS)),
    figures === undefined ? '–' : count(figures.lag),
    rates?.ackMs === undefined ? (isStuck ? 'nothing' : '–') : `${ms(rates.ackMs)} ms`,
  );
}

function nodeLine(
  isWide: boolean,
  key: string,
  name: string,
  state: string,
  address: string,
  ...figures: string[]
): string {
  const [events, applied, lag, ack] = figures as [string, string, string, string];
  return `${start(isWide, key, name, state, address)}${events.padStart(9)}${applied.padStart(11)}${lag.padStart(6)}${ack.padStart(11)}`;
}

/** Who has made the newest, as far as that was seen. */
function snapshotText(nodes: readonly NodeRow[]): string {
  const maker = nodes.find(({ look }) => look.figures?.makesSnapshots);
  if (maker !== undefined) return `${maker.name} makes one`;
  const ageMs = nodes.find(({ look }) => look.figures?.snapshotAgeMs !== undefined)?.look.figures
    ?.snapshotAgeMs;
  if (ageMs === undefined) return 'none yet';
  const last = nodes.find(({ madeSnapshot }) => madeSnapshot);
  return `${last === undefined ? 'the newest is' : `${last.name} made the newest,`} ${secondsText(ageMs)} old`;
}

function secondsText(timeMs: number): string {
  return timeMs < 1_000 ? '0 s' : duration(1_000 * Math.floor(timeMs / 1_000));
}

function natsRow(isWide: boolean, key: string, look: NatsLook, streams: number, paint: Paint): string {
  const { name, state, address, leads, isMetaLeader } = look;
  const led =
    state === 'down' ? '–' : `${leads} of ${streams} streams${isMetaLeader ? '; makes new ones' : ''}`;
  return natsLine(isWide, key, name, paint(STYLES[state], state), address, led);
}

/** What is held up, and for how long. */
function waitingText(isWide: boolean, nats: readonly NatsLook[], { silentMs }: LoadView): string {
  const leaderless = leaderlessOf(nats);
  const without = leaderless === 1 ? '1 stream has no leader' : `${leaderless} streams have no leader`;
  const isUnwell = leaderless === 0 && nats.some(({ state }) => state === 'unwell');
  const parts = [
    ...(leaderless > 0 ? [isWide ? `${without}: what is sent there waits` : without] : []),
    ...(isUnwell ? ['unwell: new leaders are being elected, or it catches up'] : []),
    ...(silentMs > SILENT_MS ? [`no answer for ${(silentMs / 1_000).toFixed(1)} s`] : []),
  ];
  return parts.length === 0 ? '' : `    ${parts.join('; ')}`;
}

function natsLine(
  isWide: boolean,
  key: string,
  name: string,
  state: string,
  address: string,
  leads: string,
): string {
  return `${start(isWide, key, name, state, address)}  ${leads}`;
}

function start(isWide: boolean, key: string, name: string, state: string, address: string): string {
  return (
    padded(`  ${key}`, COLUMNS.key) +
    padded(name, COLUMNS.name) +
    padded(state, COLUMNS.state) +
    (isWide ? padded(address, COLUMNS.address) : '')
  );
}

function loadText(isWide: boolean, { isOn, accepted, open, resent }: LoadView): string {
  const answered = `${isOn ? 'on ' : 'off'}  ${count(accepted)}`;
  return isWide
    ? `${answered} events acknowledged, ${count(open)} under way, ${count(resent)} sent again`
    : `${answered} acknowledged, ${count(open)} under way, ${count(resent)} again`;
}

/** What the last check has found. */
export function moneyText({ checked, wrong, nodes }: LoadView, paint: Paint): string {
  if (wrong.length > 0) return paint('red', `WRONG: ${wrong[0]}`);
  const found = `${count(checked.accepted)} checked, all there on ${whereText(checked, nodes)}`;
  return paint(
    checked.nodes.length === nodes ? 'green' : 'yellow',
    checked.accepted === 0 ? 'nothing to check yet' : found,
  );
}

function whereText({ nodes: names }: Checked, nodes: number): string {
  return names.length === nodes ? 'every node' : `${names.length} of ${nodes} nodes`;
}

/** What was found in the end. */
export function foundText({
  accepted,
  resent,
  checked,
  nodes,
}: Pick<LoadView, 'accepted' | 'resent' | 'checked' | 'nodes'>): string {
  if (checked.accepted === 0) return 'nothing to check yet';
  const all =
    checked.accepted === accepted
      ? `${count(accepted)} events acknowledged,`
      : `${count(checked.accepted)} of ${count(accepted)} acknowledged events checked,`;
  return `${all} all there on ${whereText(checked, nodes)}; ${count(resent)} were sent again`;
}

/** A command to copy. */
export function speakTo({ address }: Pick<NodeRow, 'address'>): string {
  return `echo '{"user":"alice","action":"buy","amount":100}' | ${netcat(address)}`;
}

/** A shorter one. */
function lookAfter({ address }: Pick<NodeRow, 'address'>): string {
  return `echo '{"type":"health"}' | ${netcat(address)}`;
}

function netcat(address: string): string {
  const [host, port] = address.split(':');
  return `nc -N ${host} ${port}`;
}

/** How it goes, in one line. */
export function stateLine(
  { nodes, nats, load }: Pick<TrialView, 'nodes' | 'nats' | 'load'>,
  paint: Paint,
): string {
  const states = [...nodes.map(({ name, look }) => `${name} ${look.state}`), ...nats.map(natsText)];
  return `${states.join('  ')}  ${moneyText(load, paint)}`;
}

function natsText({ name, state, leads }: NatsLook): string {
  return state === 'up' ? `${name} leads ${leads}` : `${name} ${state}`;
}

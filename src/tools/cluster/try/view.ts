/** The trial as it is painted, and its lines for a reader without a terminal. Pure. */
import type { Paint } from '../../../cli/terminal/colours.ts';
import { padded } from '../../../cli/terminal/drawing.ts';
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
const COLUMNS = { key: 4, name: 8, state: 10, address: 17 } as const;
/** Rows of all that is always there. */
const ROWS_FIXED = 20;
/** What a person can do, in 80 columns. */
const KEYS = '1 2 3 kill a node, or start it again   4 5 6 a NATS server   l load   q quit';

export function trialLines(view: TrialView): string[] {
  const { nodes, nats, load, happened, rows, paint, folder, elapsedMs } = view;
  const streams = streamsOf(nats);
  const spoken = nodes.find(({ look }) => look.state === 'up') ?? nodes[0]!;
  const room = Math.max(1, rows - ROWS_FIXED);
  const lines = [
    `${paint('bold', 'tally cluster try')}  for ${secondsText(elapsedMs)}, in ${folder}`,
    '',
    paint('dim', nodeLine('', 'node', 'state', 'address', 'events/s', 'applied/s', 'lag', 'acked in')),
    ...nodes.map((node, place) => nodeRow(String(place + 1), node, paint)),
    '',
    paint('dim', natsLine('', 'NATS', 'state', 'address', 'leads')),
    ...nats.map((each, place) => natsRow(String(nodes.length + place + 1), each, streams, paint)),
    paint('yellow', waitingText(leaderlessOf(nats), load)),
    `  load      ${loadText(load)}`,
    `  money     ${moneyText(load, paint)}`,
    `  snapshot  ${snapshotText(nodes)}`,
    '',
    ...happened.slice(-room).map(([time, what]) => `  ${paint('dim', time)}  ${what}`),
    ...Array<string>(Math.max(0, room - happened.length)).fill(''),
    '',
    `  ${speakTo(spoken)}`,
    spoken.page === undefined ? '' : `  ${spoken.page}`,
  ];
  return [...lines.slice(0, Math.max(0, rows - 1)), paint('dim', KEYS)];
}

function nodeRow(key: string, { name, address, look, complaint }: NodeRow, paint: Paint): string {
  const { figures, rates, state } = look;
  const shown = paint(STYLES[state], state);
  if (complaint !== '') return `${start(key, name, shown, address)} ${paint('red', complaint)}`;
  const isStuck = figures !== undefined && figures.underWay > 0 && rates !== undefined;
  return nodeLine(
    ...([key, name, shown, address] as const),
    rates === undefined ? '–' : count(Math.max(0, rates.sentPerS)),
    rates === undefined ? '–' : count(Math.max(0, rates.appliedPerS)),
    figures === undefined ? '–' : count(figures.lag),
    rates?.ackMs === undefined ? (isStuck ? 'nothing' : '–') : `${ms(rates.ackMs)} ms`,
  );
}

function nodeLine(key: string, name: string, state: string, address: string, ...figures: string[]): string {
  const [events, applied, lag, ack] = figures as [string, string, string, string];
  return `${start(key, name, state, address)}${events.padStart(9)}${applied.padStart(11)}${lag.padStart(6)}${ack.padStart(11)}`;
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
  return duration(1_000 * Math.floor(timeMs / 1_000));
}

function natsRow(key: string, look: NatsLook, streams: number, paint: Paint): string {
  const { name, state, address, leads, isMetaLeader } = look;
  const led =
    state === 'down' ? '–' : `${leads} of ${streams} streams${isMetaLeader ? ', and JetStream' : ''}`;
  return natsLine(key, name, paint(STYLES[state], state), address, led);
}

/** What is held up, and for how long. */
function waitingText(leaderless: number, { silentMs }: LoadView): string {
  const without = leaderless === 1 ? '1 stream has no leader' : `${leaderless} streams have no leader`;
  const parts = [
    ...(leaderless > 0 ? [`${without}: what is sent there waits`] : []),
    ...(silentMs > SILENT_MS ? [`no answer for ${(silentMs / 1_000).toFixed(1)} s`] : []),
  ];
  return parts.length === 0 ? '' : `    ${parts.join('; ')}`;
}

function natsLine(key: string, name: string, state: string, address: string, leads: string): string {
  return `${start(key, name, state, address)}  ${leads}`;
}

function start(key: string, name: string, state: string, address: string): string {
  return (
    padded(`  ${key}`, COLUMNS.key) +
    padded(name, COLUMNS.name) +
    padded(state, COLUMNS.state) +
    padded(address, COLUMNS.address)
  );
}

function loadText({ isOn, accepted, open, resent }: LoadView): string {
  return `${isOn ? 'on ' : 'off'}   ${count(accepted)} events acknowledged, ${count(open)} under way, ${count(resent)} sent again`;
}

/** What the last check has found. */
export function moneyText({ checked, wrong, nodes }: LoadView, paint: Paint): string {
  if (wrong.length > 0) return paint('red', `WRONG: ${wrong[0]}`);
  return paint(checked.nodes.length === nodes ? 'green' : 'yellow', checkedText(checked, nodes));
}

export function checkedText({ accepted, nodes: names }: Checked, nodes: number): string {
  const where = names.length === nodes ? 'every node' : `${names.length} of ${nodes} nodes`;
  return accepted === 0
    ? 'nothing to look for yet'
    : `${count(accepted)} events acknowledged, all there on ${where}`;
}

/** A command to copy. */
export function speakTo({ address }: { readonly address: string }): string {
  const [host, port] = address.split(':');
  return `printf '{"user":"alice","action":"buy","amount":100}\\n' | nc -N ${host} ${port}`;
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

/** What a person reads at the end of a run. Pure: a result in, text out. */
import { styleText } from 'node:util';
import { addressText } from '../../cli/terminal/address.ts';
import { count, duration, ms } from '../../cli/terminal/numbers.ts';
import { quoteIfNeeded } from '../../cli/terminal/quoting.ts';
import { machineLine } from '../harness/machine.ts';
import type { Bucket } from './buckets.ts';
import { moneyLine } from './money.ts';
import type { LoadPlan } from './plan.ts';
import type { LoadResult, Percentiles } from './result.ts';

const COLUMNS = ['p50', 'p90', 'p99', 'p999', 'p9999', 'max'] as const;
const HEADS = ['count', 'p50', 'p90', 'p99', 'p99.9', 'p99.99', 'max'];
const WIDTH = 9;
/** With them, a row takes 80 columns. */
const NAME_WIDTH = 12;
const COUNT_WIDTH = 12;
const BAR_MAX = 40;
const BAR_PARTS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

type Style = Parameters<typeof styleText>[0];

export function resultTable(result: LoadResult, buckets: readonly Bucket[], colour: boolean): string {
  const paint = (style: Style, text: string) =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const lines = [
    paint('bold', describeRun(result)),
    paint('dim', machineLine(result.machine)),
    '',
    ...countLines(result, paint),
    '',
    ...latencyLines(result, paint),
    '',
    ...histogramLines(buckets, result.mode, paint),
  ];
  const ends = endLines(result, paint);
  return `${[...lines, ...(ends.length > 0 ? ['', ...ends] : [])].join('\n')}\n`;
}

type Paint = (style: Style, text: string) => string;

function describeRun({ plan, mode, seed }: LoadResult): string {
  const clients = `${count(plan.connections)} connections × ${count(plan.pipeline)}`;
  const threads = plan.threads === 1 ? '' : `, ${plan.threads} threads`;
  return `${addressText(plan)}, ${mode} loop, ${describeTime(plan)}, ${clients}${threads}, seed ${seed}`;
}

function describeTime({ stages, durationMs, events }: LoadPlan): string {
  if (stages === undefined) {
    const limits = [
      durationMs === undefined ? '' : duration(durationMs),
      events === undefined ? '' : `${count(events)} lines`,
    ];
    return limits.filter(limit => limit !== '').join(' or ');
  }
  return stages
    .map(({ durationMs, fromPerS, toPerS }) => {
      const rates = fromPerS === toPerS ? count(fromPerS) : `${count(fromPerS)} to ${count(toPerS)}`;
      return `${rates} a second for ${duration(durationMs)}`;
    })
    .join(', ');
}

function countLines(result: LoadResult, paint: Paint): string[] {
  const line = (name: string, text: string) => `  ${paint('dim', name.padEnd(10))}${text}`;
  const some = (name: string, value: number, style: Style) =>
    value === 0 ? [] : [paint(style, `${name} ${count(value)}`)];
  const target = result.targetPerS === undefined ? '' : ` of ${count(result.targetPerS)} asked for`;
  return [
    line(
      'lines',
      [
        `sent ${count(result.sent)}`,
        `answered ${count(result.answered)}`,
        ...some('again', result.resent, 'reset'),
        ...some('unknown', result.unknown, 'yellow'),
        ...some('unsent', result.unsent, 'yellow'),
        ...some('late', result.late, 'yellow'),
      ].join('   '),
    ),
    line(
      'replies',
      [
        `accepted ${count(result.accepted)}`,
        `ok ${count(result.ok)}`,
        `busy ${count(result.busy)}`,
        ...some('refused', result.refused, 'yellow'),
        ...some('insufficient', result.insufficient, 'reset'),
        `errors ${count(result.errors)}`,
        ...some('echoed', result.echoed, 'reset'),
      ].join('   '),
    ),
    ...Object.entries(result.reasons).map(([reason, times]) =>
      line('', `${quoteIfNeeded(reason)} ${count(times)}`),
    ),
    ...(result.connections.lost === 0 ? [] : [line('lost', connectionsText(result))]),
    ...(result.kills.length === 0 ? [] : [line('killed', killsText(result))]),
    ...(result.outages.length === 0 ? [] : [line('outages', outagesText(result))]),
    line('rate', `${count(result.ratePerS)} replies a second${target}, for ${result.elapsedS.toFixed(2)} s`),
  ];
}

function connectionsText({ connections: { opened, lost, reopened }, plan }: LoadResult): string {
  if (!plan.reconnect) return `${count(lost)} of ${count(opened)} connections`;
  return `connections ${count(lost)} times, opened again ${count(reopened)} times`;
}

function killsText({ kills }: LoadResult): string {
  const again = afterText(
    kills.map(({ downMs }) => downMs),
    'it listened again',
  );
  return `${times(kills.length)} with kill -9; ${again}`;
}

function outagesText({ outages }: LoadResult): string {
  const again = afterText(
    outages.map(each => each.ms),
    'a reply came',
  );
  return `${times(outages.length)} no connection was open; ${again}`;
}

const times = (number: number) => (number === 1 ? 'once' : `${count(number)} times`);

/** After how long; null: never. */
function afterText(values: readonly (number | null)[], what: string): string {
  const known = values.filter(value => value !== null);
  if (known.length === 0) return `${what} no more`;
  const [least, most] = [Math.min(...known), Math.max(...known)].map(value => ms(value));
  const never = known.length < values.length ? ', the last time no more' : '';
  return `${what} after ${least === most ? most : `${least} to ${most}`} ms${never}`;
}

function latencyLines({ mode, latencyMs, late, unsent, unknown }: LoadResult, paint: Paint): string[] {
  const row = (name: string, figures: Percentiles) =>
    `  ${name}${count(figures.count).padStart(NAME_WIDTH + COUNT_WIDTH - name.length)}${COLUMNS.map(key => ms(figures[key]).padStart(WIDTH)).join('')}`;
  const head = `  ${'latency, ms'.padEnd(NAME_WIDTH)}${HEADS.map((name, index) => name.padStart(index === 0 ? COUNT_WIDTH : WIDTH)).join('')}`;
  const block = (name: string, latency: LoadResult['latencyMs']['corrected']) => {
    const verdicts = Object.entries(latency.byVerdict);
    return [
      row(name, latency),
      ...(verdicts.length > 1 ? verdicts.map(([verdict, figures]) => row(`  ${verdict}`, figures)) : []),
    ];
  };
  if (latencyMs.uncorrected.count === 0) return [paint('yellow', '  no replies, and so no latencies')];
  if (mode === 'closed')
    return [
      paint('dim', head),
      ...block('from sending', latencyMs.uncorrected),
      paint(
        'dim',
        '  (A closed loop waits when the server does; --rate measures from when lines should have left.)',
      ),
    ];
  const missing = unsent + unknown;
  return [
    paint('dim', head),
    ...block('corrected', latencyMs.corrected),
    ...block('uncorrected', latencyMs.uncorrected),
    paint('dim', '  (Corrected: from when a line should have left. Uncorrected: from when it did.)'),
    ...(late > 0
      ? [
          paint(
            'yellow',
            `  ${count(late)} lines left more than 2 ms late: their connection was busy, or this program was.`,
          ),
        ]
      : []),
    ...(missing > 0
      ? [
          paint(
            'yellow',
            `  ${count(missing)} lines have no latency (unsent or unknown); they would be among the slowest.`,
          ),
        ]
      : []),
  ];
}

function histogramLines(buckets: readonly Bucket[], mode: LoadResult['mode'], paint: Paint): string[] {
  const most = Math.max(0, ...buckets.map(bucket => bucket.count));
  if (most === 0) return [];
  const total = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
  return [
    paint('dim', `  up to, ms   ${mode === 'open' ? 'corrected latency' : 'latency'} of all replies`),
    ...buckets.map(bucket => {
      const percent = `${((100 * bucket.count) / total).toFixed(bucket.count * 1_000 < total ? 3 : 1)} %`;
      return `  ${ms(bucket.uptoMs).padStart(9)}  ${paint('cyan', bar(bucket.count / most))}  ${paint('dim', percent)}`;
    }),
  ];
}

/** A bar of eighths of a character, so that short ones differ too. */
function bar(share: number): string {
  const eighths = share === 0 ? 0 : Math.max(1, Math.round(share * BAR_MAX * 8));
  return '█'.repeat(eighths >> 3) + BAR_PARTS[eighths & 7]!;
}

function endLines(result: LoadResult, paint: Paint): string[] {
  const lines: string[] = [];
  if (result.money !== undefined) {
    const { balanced, wrongUsers } = result.money;
    lines.push(
      `  ${paint('dim', 'money'.padEnd(10))}${paint(balanced ? 'green' : 'red', moneyLine(result.money))}`,
    );
    for (const { user, expected, actual } of wrongUsers.slice(0, 3))
      lines.push(
        `  ${''.padEnd(10)}${quoteIfNeeded(user)} should have ${count(expected)} and has ${count(actual)}`,
      );
  }
  for (const { condition, met, value } of result.conditions) {
    const figure =
      value === null
        ? 'no such replies'
        : value === Number.POSITIVE_INFINITY
          ? 'lines without a reply are endless'
          : `it is ${value < 1_000 ? Number(value.toPrecision(4)) : count(value)}`;
    lines.push(
      `  ${paint('dim', 'fail-if'.padEnd(10))}${paint(met ? 'red' : 'green', `${condition}: ${met ? 'yes' : 'no'}, ${figure}`)}`,
    );
  }
  if (result.interrupted) lines.push(`  ${paint('yellow', 'ended early by Ctrl+C')}`);
  return lines;
}

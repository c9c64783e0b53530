/**
 * The claims that a record of the peers' bench supports. Each of its two clients gives its own ratios; if a client is
 * saturated, the servers look alike. So the claim is the ratio that is less favourable to Tally, rounded down.
 */
import { median } from '../../src/tools/harness/samples.ts';
import type { BenchRecord } from '../bench.ts';

export const IN_C = 'client in C';
export const IN_JAVASCRIPT = 'client in JavaScript';
export const CLIENT_CPU = 'µs CPU/event of the client';
const CLIENTS = [IN_C, IN_JAVASCRIPT];
const TALLY = 'tally';
const REDIS = 'redis INCRBY';
/** The share of a core from which on a thread counts as saturated. */
const FULL = 0.9;

/** `depth 1, client in C` in its two parts; the second is empty where a bench has one client. */
export function partsOf(condition: string): [circumstance: string, client: string] {
  const client = CLIENTS.find(name => condition.endsWith(`, ${name}`));
  return client === undefined ? [condition, ''] : [condition.slice(0, -client.length - 2), client];
}

/** Tally's events a second for each of the peer's. */
function ratioOf(record: BenchRecord, peer: string, depth: string, client: string): number {
  const rate = (subject: string) => median(samplesOf(record, subject, `${depth}, ${client}`, 'events/s'));
  return rate(TALLY) / rate(peer);
}

function worseRatioOf(record: BenchRecord, peer: string, depth: string): number {
  return Math.min(...CLIENTS.map(client => ratioOf(record, peer, depth, client)));
}

/** The worse of the two clients only. */
export function worseText(record: BenchRecord): string {
  const depths = depthsOf(record);
  const rows = peersOf(record).map(peer => [
    peer,
    ...depths.map(depth => ratioText(worseRatioOf(record, peer, depth))),
  ]);
  return tableText(['events/s of tally, for each of', ...depths], rows);
}

/** Both clients, and the worse; then the load of each, which shows the limit. */
export function ratiosText(record: BenchRecord): string {
  const depths = depthsOf(record);
  const ratios = peersOf(record).flatMap(peer => [
    ...CLIENTS.map(client => [
      `${peer}, ${client}`,
      ...depths.map(depth => ratioText(ratioOf(record, peer, depth, client))),
    ]),
    [
      `**${peer}, the worse of the two**`,
      ...depths.map(depth => `**${ratioText(worseRatioOf(record, peer, depth))}**`),
    ],
  ]);
  const cores = [TALLY, ...peersOf(record)].flatMap(subject =>
    CLIENTS.map(client => [
      `${subject}, ${client}`,
      ...depths.map(depth => coresText(record, subject, `${depth}, ${client}`)),
    ]),
  );
  return [
    tableText(['events/s of tally, for each of', ...depths], ratios),
    tableText(['cores in use: server + client', ...depths], cores),
  ].join('\n');
}

/** Down: no claim is more than was measured. */
function ratioText(ratio: number): string {
  const digits = ratio < 1 ? 2 : 1;
  return `${(Math.floor(ratio * 10 ** digits) / 10 ** digits).toFixed(digits)}×`;
}

/** Bold for those that used a whole core or more. */
function coresText(record: BenchRecord, subject: string, condition: string): string {
  const rates = samplesOf(record, subject, condition, 'events/s');
  const text = (unit: string) => {
    const cpuUs = samplesOf(record, subject, condition, unit);
    const cores = median(rates.map((rate, round) => (rate * cpuUs[round]!) / 1e6));
    return cores < FULL ? cores.toFixed(2) : `**${cores.toFixed(2)}**`;
  };
  return `${text('µs CPU/event')} + ${text(CLIENT_CPU)}`;
}

function depthsOf({ measures }: BenchRecord): string[] {
  return [...new Set(measures.map(({ condition }) => partsOf(condition)[0]))];
}

function peersOf({ bench, measures }: BenchRecord): string[] {
  const peers = [...new Set(measures.map(({ subject }) => subject))].filter(subject => subject !== TALLY);
  if (!peers.includes(REDIS))
    throw new Error(`${bench} has no figures of ${REDIS}: measure where it is installed`);
  return peers;
}

function samplesOf(
  { bench, measures }: BenchRecord,
  subject: string,
  condition: string,
  unit: string,
): number[] {
  const found = measures.find(
    measure => measure.subject === subject && measure.condition === condition && measure.unit === unit,
  );
  if (found === undefined)
    throw new Error(
      `${bench} has no ${unit} of ${subject} at ${condition}: measure where there is a compiler`,
    );
  return found.samples;
}

function tableText(head: string[], rows: string[][]): string {
  const lines = [head, ['---', ...head.slice(1).map(() => '---:')], ...rows];
  return lines.map(cells => `| ${cells.join(' | ')} |\n`).join('');
}

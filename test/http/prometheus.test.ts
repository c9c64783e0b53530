/** `/metrics`, read by a parser that is not ours, says what the wire says. */
import parse from 'parse-prometheus-text-format';
import { expect, test } from 'vitest';
import { family } from '../../src/http/prometheus.ts';
import { Client } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { buyLine, FREEZE, type Metrics, THAW } from '../support/asking.ts';
import { startHttpServer } from '../support/http.ts';

interface Family {
  name: string;
  help: string;
  type: string;
  metrics: {
    value?: string;
    labels?: Record<string, string>;
    quantiles?: Record<string, string>;
    sum?: string;
    count?: string;
  }[];
}

const parsed = (text: string) => parse(text) as Family[];

/** `name` or `name{label="value"}` to the value. */
function valuesOf(families: Family[]): Record<string, number> {
  const rows = families.flatMap(({ name, metrics }) =>
    metrics.flatMap(({ value, labels = {} }): [string, number][] => {
      const label = Object.entries(labels).map(([key, text]) => `{${key}="${text}"}`);
      return value === undefined ? [] : [[name + label.join(''), Number(value)]];
    }),
  );
  return Object.fromEntries(rows);
}

test('every value is the one of the wire, and named by the rules', async () => {
  const server = await startHttpServer([
    '--workers',
    '2',
    '--ring',
    '64',
    '--users',
    '500',
    '--debug-requests',
    '--connections-max',
    '99',
  ]);
  try {
    const client = await Client.open(server.port);
    client.send(buyLine('alice', 2 ** 53 - 1).repeat(2) + 'hello\n'.repeat(3));
    await client.lines(5);
    await until(
      async () => (JSON.parse(await client.ask('{"type":"metrics"}\n')) as Metrics).dropped === 1,
      'overflow',
    );
    await client.ask(FREEZE);
    // More than both rings have room for, and more users than the table.
    for (let user = 0; user < 200; user++) client.send(buyLine(`u${user}`, 1));
    await client.lines(200);

    const wire = JSON.parse(await client.ask('{"type":"metrics","detail":true}\n')) as Metrics &
      Record<string, number>;
    const { status, headers, body } = await server.get('/metrics');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    const families = parsed(body);
    const values = valuesOf(families);

    const depths = wire.ring_depths as unknown as number[];
    expect(depths).toEqual([64, 64]);
    expect(wire.refused.server_busy).toBe(72);
    expect(values).toMatchObject({
      tally_events_received_total: wire.received,
      tally_events_accepted_total: wire.accepted,
      tally_events_processed_total: wire.processed,
      tally_events_queued: 128,
      'tally_events_dropped_total{reason="server_busy"}': 72,
      'tally_events_dropped_total{reason="too_many_users"}': wire.refused.too_many_users,
      'tally_events_dropped_total{reason="shutting_down"}': 0,
      'tally_events_dropped_total{reason="balance_overflow"}': 1,
      tally_lines_invalid_total: 3,
      tally_users: wire.users,
      tally_users_max: 500,
      tally_ring_slots: 64,
      'tally_ring_depth{worker="0"}': 64,
      'tally_ring_depth{worker="1"}': 64,
      'tally_worker_ready{worker="0"}': 1,
      tally_workers: 2,
      tally_workers_ready: 2,
      tally_worker_deaths_total: 0,
      tally_worker_late_wakes_total: 0,
      tally_connections: 1,
      tally_connections_max: 99,
      tally_connections_opened_total: wire.connections_total,
      tally_connections_refused_total: 0,
      'tally_connections_closed_total{reason="blocked"}': 0,
      tally_draining: 0,
    });
    const worker = (index: number) => values[`tally_worker_events_processed_total{worker="${index}"}`]!;
    expect(worker(0) + worker(1)).toBe(wire.processed);
    expect(values.tally_uptime_seconds).toBeGreaterThanOrEqual(wire.uptime_ms! / 1_000);
    expect(values.process_resident_memory_bytes).toBeGreaterThan(2 ** 24);
    expect(values.process_cpu_seconds_total).toBeGreaterThan(0);
    expect(Math.abs(Date.now() / 1_000 - values.process_start_time_seconds!)).toBeLessThan(60);
    const delay = families.find(({ name }) => name === 'tally_event_loop_delay_seconds')!;
    expect(Object.keys(delay.metrics[0]!.quantiles!).sort()).toEqual(['0.5', '0.99', '1']);
    expect(Number(delay.metrics[0]!.count)).toBeGreaterThan(0);

    for (const { name, type, help } of families) {
      expect(name).toMatch(/^(?:tally|process)_[a-z_]+$/);
      expect(help, name).toMatch(/^[A-Z1].*\.$/);
      expect(type === 'COUNTER', name).toBe(name.endsWith('_total'));
    }
    expect(new Set(families.map(({ name }) => name)).size).toBe(families.length);
    await client.ask(THAW);
    client.close();
  } finally {
    await server.stop();
  }
});

test('labels and help with every character that must be escaped come back as they were', () => {
  const odd = 'a "quoted" \\ back\nnew {line}, é';
  const [read] = parsed(family('odd', 'gauge', odd, [{ labels: { odd }, value: 1.5e300 }]));
  expect(read).toMatchObject({ name: 'tally_odd', metrics: [{ value: '1.5e+300' }] });
  // The parser leaves escapes in the help as they are written.
  expect(read!.help.replaceAll('\\n', '\n').replaceAll('\\\\', '\\')).toBe(odd);
  expect(read!.metrics[0]!.labels).toEqual({ odd });
});

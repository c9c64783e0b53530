/**
 * Ten greedy clients beside a modest one, which sends 100 events a second: with a limit of rate, and without one. With it, the
 * modest one must lose nothing. What it waited is kept; the greedy ones run with less priority, as they would on another machine.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { quantileOf } from '../../src/tools/harness/samples.ts';
import { figure } from '../support/figure.ts';
import { keep } from '../support/keep.ts';
import { CLI, startServer } from '../support/server.ts';
import { open } from '../support/speaking.ts';

const SECONDS = 10;
const RATE = 100;
const GREEDY = [
  '--connections',
  '10',
  '--pipeline',
  '256',
  '--duration',
  `${SECONDS}s`,
  '--user-prefix',
  'greedy',
];
const startedAt = new Date();
const measures: ReturnType<typeof figure>[] = [];

afterAll(() => {
  if (measures.length > 0) keep('greedy', 'npm run long -- test/long/greedy.test.ts', startedAt, measures);
});

test.each([
  ['without a limit', []],
  ['with a limit of 1,000 events a second for a connection', ['--rate-connection', '1000']],
])('ten greedy clients beside a modest one, %s', { timeout: 60_000 }, async (how, flags) => {
  const server = await startServer(flags);
  const args = [
    '-n',
    '10',
    process.execPath,
    CLI,
    'load',
    '--port',
    String(server.port),
    ...GREEDY,
    '--json',
    '-',
  ];
  const greedy = spawn('nice', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let report = '';
  greedy.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    report += chunk;
  });
  await sleep(1_000);
  const modest = await open({ host: '127.0.0.1', port: server.port });
  let text = '';
  const sentMs: number[] = [];
  const latencies: number[] = [];
  modest.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    const nowMs = performance.now();
    const answered = text.split('\n').length - 1;
    while (latencies.length < answered) latencies.push(nowMs - sentMs[latencies.length]!);
  });
  const startMs = performance.now();
  const events = (SECONDS - 2) * RATE;
  for (let event = 0; event < events; event++) {
    // By the clock: a delay makes no later event late.
    const dueMs = startMs + event * (1_000 / RATE);
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    sentMs.push(Math.max(dueMs, performance.now() - 1));
    modest.write('{"user":"modest","action":"buy","amount":1}\n');
  }
  modest.write('{"type":"balance","user":"modest"}\n');
  while (latencies.length <= events) await sleep(10);
  modest.destroy();
  await once(greedy, 'close');
  const { sent, accepted } = JSON.parse(report) as { sent: number; accepted: number };
  latencies.length = events;
  const [p50, p99] = [0.5, 0.99].map(share => quantileOf(latencies, share));
  console.log(JSON.stringify({ how, sent, accepted, p50, p99 }));
  const lines = text.split('\n');
  const taken = lines.slice(0, events).filter(line => line === '{"status":"accepted"}').length;
  expect(lines[events]).toBe(`{"status":"ok","balance":${taken}}`);
  if (flags.length > 0) {
    expect(taken).toBe(events);
    expect(accepted).toBeLessThanOrEqual(10 * 1_000 * (SECONDS + 2));
  }
  measures.push(
    figure(how, 'greedy lines a second', 'higher', sent / SECONDS),
    figure(how, 'of these accepted', 'higher', accepted / SECONDS),
    figure(how, 'of the modest one not accepted', 'lower', events - taken),
    figure(how, 'ms to a reply of the modest one, median', 'lower', p50!),
    figure(how, 'ms to a reply of the modest one, p99', 'lower', p99!),
  );
  expect((await server.stop()).ledger).toMatchObject({ exitCode: 0, lost: 0 });
});

/** When lines leave: how many, at which rate, and what is measured when the server stalls. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { askMetrics } from '../support/asking.ts';
import { startServer } from '../support/server.ts';
import { load, START_MS_MAX, startLoad } from './running.ts';
import { startWrongServer } from './wrong-servers.ts';

/** On a busy machine replies may be late; lines leave all the same, where more than one may be under way. */
const ROOM = '--pipeline 1000 --pace thrifty';
const clean = { exitCode: 0, complaints: [] };

/** A run against a server of its own that does nothing wrong, and how many events that has got. */
async function loaded(flags: string) {
  const { port, counts } = await startWrongServer();
  const ran = await load(port, flags);
  expect(ran).toMatchObject(clean);
  return { ...ran.result, received: counts.event };
}

describe.concurrent('an open loop', () => {
  test.each([1, 2])('holds its rate, in total, with %i threads', async threads => {
    const flags = `--rate 2000 --duration 1s --threads ${threads} --connections 9 ${ROOM}`;
    const { targetPerS, ratePerS, elapsedS, sent, unsent } = await loaded(flags);
    expect({ targetPerS, due: sent + unsent }).toEqual({ targetPerS: 2_000, due: 2_000 });
    expect(sent).toBeGreaterThanOrEqual(0.99 * 2_000);
    // A machine that has other work may take longer. A rate for each connection or thread would be far above.
    expect(ratePerS).toBeLessThan(2_700);
    expect(elapsedS).toBeGreaterThan(0.9);
  });

  test('measures a stall from when lines should have left: the corrected tail shows it, the other does not', async () => {
    const server = await startServer(['--workers', '1']);
    const control = await Client.open(server.port);
    const running = startLoad(server.port, '--connections 10 --rate 2000 --duration 2s --pace thrifty');
    await until(
      async () => (await askMetrics(control)).received > 800,
      'the load to be under way',
      START_MS_MAX,
    );
    server.process.kill('SIGSTOP');
    const stoppedMs = performance.now();
    await sleep(400).finally(() => server.process.kill('SIGCONT'));
    const stallMs = performance.now() - stoppedMs;
    const ran = await running.ended;
    control.close();
    await server.stop();
    expect(ran).toMatchObject(clean);
    const { sent, unsent, late, latencyMs } = ran.result;
    expect(sent + unsent).toBe(4_000);
    expect(sent).toBeGreaterThanOrEqual(0.99 * 4_000);
    // A fifth of all lines was due in the stall; ten of them were under way, which is a quarter of a hundredth.
    expect(late).toBeGreaterThan(400);
    expect(latencyMs.corrected.p99).toBeGreaterThan(0.8 * 400);
    expect(latencyMs.corrected.p90).toBeGreaterThan(100);
    expect(latencyMs.corrected.max).toBeGreaterThan(0.9 * 400);
    expect(latencyMs.uncorrected.max).toBeGreaterThan(0.9 * 400);
    expect(latencyMs.uncorrected.p99).toBeLessThan(latencyMs.corrected.p99! / 3);
    expect(stallMs).toBeGreaterThan(390);
  });

  test.each([
    ['--rate 1000 --duration 500ms', 500],
    ['--rate 1000 --duration 500ms --threads 2', 500],
    ['--rate 2000 --duration 500ms --connections 7 --threads 2 --pace precise', 1_000],
    ['--rate 1994 --duration 500ms --connections 13 --threads 3', 997],
    ['--rate 5000 --events 777', 777],
    ['--rate 3 --events 1', 1],
    ['--rate 1000 --events 300 --warmup 300ms', 300],
    ['--stages 200ms:1000,300ms:1000-3000,100ms:0,200ms:500', 200 + 600 + 0 + 100],
    ['--stages 300ms:0-4000,300ms:4000-0 --threads 2', 1_200],
  ])('has so many lines due, and sends them: %s', async (flags, due) => {
    const { mode, sent, unsent, unknown, answered, received } = await loaded(`${ROOM} ${flags}`);
    expect({ mode, unknown, answered }).toEqual({ mode: 'open', unknown: 0, answered: sent });
    expect(sent + unsent).toBe(due);
    expect(sent).toBeGreaterThanOrEqual(0.99 * due);
    if (!flags.includes('--warmup')) expect(received).toBe(sent);
  });
});

describe.concurrent('a closed loop', () => {
  test.each([
    ['--events 1', 1],
    ['--events 1 --threads 2 --connections 4', 1],
    ['--events 3 --connections 50', 3],
    ['--events 1000 --connections 7 --pipeline 13 --threads 3', 1_000],
    ['--events 5000 --connections 2 --pipeline 5000', 5_000],
    ['--events 20k --connections 16 --pipeline 100 --threads 2', 20_000],
  ])('sends as many lines as it was told: %s', async (flags, events) => {
    const counts = { sent: events, answered: events, accepted: events, received: events };
    const result = await loaded(flags);
    expect(result).toMatchObject({ ...counts, mode: 'closed', unknown: 0, unsent: 0, late: 0 });
    expect(result.targetPerS).toBeUndefined();
    // There is no time at which a line should have left.
    expect(result.latencyMs.corrected).toEqual(result.latencyMs.uncorrected);
    expect(result.latencyMs.corrected.count).toBe(events);
  });

  test.each([
    '--connections 4 --duration 300ms --events 1000M',
    '--duration 1ms --threads 2 --connections 5',
  ])('ends when its time is over, if that comes first: %s', async flags => {
    const { sent, answered, received } = await loaded(flags);
    expect({ answered, received }).toEqual({ answered: sent, received: sent });
    if (flags.includes('300ms')) expect(sent).toBeGreaterThan(0);
  });
});

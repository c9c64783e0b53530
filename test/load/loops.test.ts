/** When lines leave: how many, at which rate, and what is measured when the server stalls. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { askMetrics } from '../support/asking.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { load, startLoad } from './running.ts';

let server: RunningServer;
let control: Client;
beforeAll(async () => {
  server = await startServer(['--workers', '1']);
  control = await Client.open(server.port);
});
afterAll(async () => {
  control.close();
  await server.stop();
});

/** How many events the server has got since. */
async function counted(): Promise<() => Promise<number>> {
  const { received } = await askMetrics(control);
  return async () => (await askMetrics(control)).received - received;
}

const clean = { exitCode: 0, complaints: [] };

describe('a closed loop', () => {
  test.each([
    ['--events 1'],
    ['--events 1 --threads 2 --connections 4'],
    ['--events 3 --connections 50'],
    ['--events 1000 --connections 7 --pipeline 13 --threads 3'],
    ['--events 5000 --connections 2 --pipeline 5000'],
    ['--events 20k --connections 16 --pipeline 100 --threads 2'],
  ])('sends as many lines as it was told: %s', async flags => {
    const received = await counted();
    const ran = await load(server.port, flags);
    const events = Number(/--events (\d+)/.exec(flags)![1]) * (flags.includes('20k') ? 1_000 : 1);
    expect(ran).toMatchObject({
      ...clean,
      result: {
        mode: 'closed',
        sent: events,
        answered: events,
        accepted: events,
        unknown: 0,
        unsent: 0,
        late: 0,
      },
    });
    expect(ran.result.targetPerS).toBeUndefined();
    expect(await received()).toBe(events);
  });

  test('ends when its time is over, if that comes first', async () => {
    const received = await counted();
    const ran = await load(server.port, '--connections 4 --duration 300ms --events 1000M');
    expect(ran).toMatchObject(clean);
    expect(ran.result.sent).toBeGreaterThan(0);
    expect(ran.result.sent).toBe(ran.result.answered);
    expect(ran.result.sent).toBe(await received());
  });

  test('of a millisecond is a run, too', async () => {
    const ran = await load(server.port, '--duration 1ms --threads 2 --connections 5');
    expect(ran).toMatchObject(clean);
    expect(ran.result.answered).toBe(ran.result.sent);
  });

  test('has one latency: there is no time at which a line should have left', async () => {
    const { result } = await load(server.port, '--events 500 --connections 4');
    expect(result.latencyMs.corrected).toEqual(result.latencyMs.uncorrected);
    expect(result.latencyMs.corrected.count).toBe(500);
  });
});

describe('an open loop', () => {
  test.each([
    ['--rate 1000 --duration 500ms', 500],
    ['--rate 1000 --duration 500ms --threads 2', 500],
    ['--rate 2000 --duration 500ms --connections 7 --threads 2', 1_000],
    ['--rate 1994 --duration 500ms --connections 13 --threads 3 --pace thrifty', 997],
    ['--rate 5000 --events 777', 777],
    ['--rate 3 --events 1 --pace thrifty', 1],
    ['--rate 1000 --events 300 --warmup 300ms --pace thrifty', 300],
    ['--stages 200ms:1000,300ms:1000-3000,100ms:0,200ms:500 --pace thrifty', 200 + 600 + 0 + 100],
    ['--stages 300ms:0-4000,300ms:4000-0 --threads 2 --pace thrifty', 1_200],
  ])('has so many lines due, and sends them: %s', async (flags, due) => {
    const received = await counted();
    const ran = await load(server.port, flags);
    expect(ran).toMatchObject({ ...clean, result: { mode: 'open', unknown: 0 } });
    const { sent, unsent, answered } = ran.result;
    expect(sent + unsent).toBe(due);
    expect(sent).toBeGreaterThanOrEqual(0.99 * due);
    expect(answered).toBe(sent);
    if (!flags.includes('--warmup')) expect(await received()).toBe(sent);
  });

  test.each([1, 2])('holds its rate, in total, with %i threads', async threads => {
    const { result } = await load(
      server.port,
      `--rate 2000 --duration 1s --threads ${threads} --connections 9 --pace thrifty`,
    );
    expect(result.targetPerS).toBe(2_000);
    // Bounds for a machine that has other work: a rate for each connection or thread would be far outside.
    expect(result.ratePerS).toBeGreaterThan(1_100);
    expect(result.ratePerS).toBeLessThan(2_700);
    expect(result.elapsedS).toBeGreaterThan(0.9);
  });

  test('measures a stall from when lines should have left: the corrected tail shows it, the other does not', async () => {
    const received = await counted();
    const running = startLoad(server.port, '--connections 10 --rate 2000 --duration 2s --pace thrifty');
    await until(async () => (await received()) > 800, 'the load to be under way');
    server.process.kill('SIGSTOP');
    const stoppedMs = performance.now();
    try {
      await new Promise(resolve => setTimeout(resolve, 400));
    } finally {
      server.process.kill('SIGCONT');
    }
    const stallMs = performance.now() - stoppedMs;
    const ran = await running.ended;
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
    expect(latencyMs.uncorrected.p99).toBeLessThan(latencyMs.corrected.p99 / 3);
    expect(stallMs).toBeGreaterThan(390);
  });
});

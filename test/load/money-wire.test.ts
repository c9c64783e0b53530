/** The check of the money, against the real server: it must pass whatever the load is. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import { askBalances, askMetrics, buyLine, sellLine } from '../support/asking.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { load, type RanWithResult, scratchFile } from './running.ts';

let server: RunningServer;
/** Small and slow: its queues are full at once. */
let slow: RunningServer;
beforeAll(async () => {
  server = await startServer(['--workers', '1']);
  slow = await startServer(['--workers', '1', '--ring', '64', '--work-us', '20']);
});
afterAll(async () => {
  // The server's own ledger agrees.
  expect((await server.stop()).ledger).toMatchObject({ exitCode: 0, lost: 0 });
  expect((await slow.stop()).ledger).toMatchObject({ exitCode: 0, lost: 0 });
});

function expectBalanced({ exitCode, complaints, result, stderr }: RanWithResult): void {
  expect({ exitCode, complaints }).toEqual({ exitCode: 0, complaints: [] });
  expect(result.money).toMatchObject({ balanced: true, lostEvents: 0, surplusEvents: 0, unknownEvents: 0 });
  expect(result.sent).toBe(result.answered);
  expect(stderr).toContain('balanced: ');
}

const EVENTS = '--connections 8 --pipeline 32 --events 20000 --check-balances';

describe('the money is right', () => {
  test('after twenty thousand events, and after twenty thousand more on top of them', async () => {
    for (let round = 0; round < 2; round++) {
      const ran = await load(server.port, `${EVENTS} --users 500`);
      expectBalanced(ran);
      expect(ran.result).toMatchObject({
        sent: 20_000,
        accepted: 20_000,
        money: { users: 500, acceptedAmount: 1_000_000 },
      });
    }
  });

  test('when the balances had a past, and somebody else moves others meanwhile', async () => {
    const client = await Client.open(server.port);
    client.send(buyLine('past-1', 12_345) + sellLine('past-2', 999) + buyLine('past', 5));
    await client.lines(3);
    const running = load(server.port, `${EVENTS} --users 50 --user-prefix past-`);
    for (let other = 0; other < 100; other++) await client.ask(buyLine('nobody of them', 1));
    expectBalanced(await running);
    client.close();
  });

  test('after a warm-up, which is in the money and in nothing else', async () => {
    const ran = await load(server.port, `${EVENTS} --warmup 300ms`);
    expectBalanced(ran);
    expect(ran.result).toMatchObject({ sent: 20_000, accepted: 20_000 });
    expect(ran.result.money!.acceptedEvents).toBeGreaterThan(20_000);
  });

  test('with all kinds of lines in the mix', async () => {
    const mix = 'buy=40,sell=20,wait=10,balance=10,metrics=5,health=5,garbage=10';
    const ran = await load(server.port, `${EVENTS} --mix ${mix}`);
    expectBalanced(ran);
    const { accepted, ok, errors, reasons, latencyMs } = ran.result;
    expect(Math.min(accepted, ok, errors)).toBeGreaterThan(1_000);
    expect(Object.keys(reasons).sort()).toEqual(['invalid_event', 'invalid_json', 'unknown_type']);
    expect(Object.values(reasons).reduce((sum, times) => sum + times, 0)).toBe(errors);
    expect(Object.keys(latencyMs.uncorrected.byVerdict).sort()).toEqual(['accepted', 'error', 'ok']);
    expect(ran.stderr).toMatch(/invalid_json [\d,]+/);
  });

  test('with nothing but sales, and names that need quotes', async () => {
    const ran = await load(server.port, `${EVENTS} --users 20 --mix sell=1 --user-prefix "ü\\`);
    expectBalanced(ran);
    expect(await askBalances(server.port, ['\\"ü\\\\0'])).toEqual([expect.any(Number)]);
    expect((await askBalances(server.port, ['\\"ü\\\\0']))[0]).toBeLessThan(0);
  });

  test('with two threads, and users whose share follows a Zipf law', async () => {
    const ran = await load(server.port, `${EVENTS} --threads 2 --connections 7 --skew zipf:1.1 --amount 3`);
    expectBalanced(ran);
    expect(ran.result).toMatchObject({ sent: 20_000, money: { acceptedAmount: 60_000 } });
  });

  test('in an open loop', async () => {
    const ran = await load(
      server.port,
      '--rate 10000 --events 5000 --mix buy=2,sell=1,wait=1 --check-balances',
    );
    expectBalanced(ran);
    expect(ran.result.sent).toBe(5_000);
  });

  test('of a file that is replayed, with its wrong lines', async () => {
    const file = scratchFile('lines.txt');
    const lines = [
      '{"user":"replay-a","action":"buy","amount":7}',
      '{"user":"replay-b","action":"sell","amount":1e2}\r',
      '{"amount":3,"action":"buy","user":"replay-\\u0061","wait":true}',
      '',
      'hello',
      '{"type":"balance","user":"replay-a"}',
      '{"user":"replay-a","action":"toString","amount":7}',
      '{"user":"replay-a","action":"buy","amount":1e400}',
      '{"type":"metrics"}',
    ];
    writeFileSync(file, lines.join('\n'));
    const ran = await load(
      server.port,
      `--connections 1 --pipeline 4 --events 900 --check-balances --replay ${file}`,
    );
    expectBalanced(ran);
    expect(ran.result).toMatchObject({ sent: 900, accepted: 200, ok: 300, errors: 400 });
    expect(await askBalances(server.port, ['replay-a', 'replay-b'])).toEqual([1_000, -10_000]);
  });
});

describe('the money is right where most is refused', () => {
  test.each([
    ['buys', ''],
    ['buys and sales, some of which are waited for', ' --mix buy=5,sell=3,wait=2,balance=1'],
    ['from two threads, to a few hot users, after a warm-up', ' --threads 2 --skew zipf --warmup 100ms'],
  ])('%s', async (_, flags) => {
    const control = await Client.open(slow.port);
    const before = await askMetrics(control);
    const ran = await load(
      slow.port,
      `--connections 8 --pipeline 64 --events 20000 --users 300 --check-balances${flags}`,
    );
    const after = await askMetrics(control);
    control.close();
    expectBalanced(ran);
    const { busy, accepted, ok, latencyMs } = ran.result;
    expect(busy).toBeGreaterThan(0);
    expect(busy + accepted + ok).toBe(20_000);
    expect(latencyMs.uncorrected.byVerdict.busy!.count).toBe(busy);
    // The warm-up is not in the counts.
    expect(after.dropped - before.dropped).toBeGreaterThanOrEqual(busy);
    expect(after.processed - before.processed).toBe(ran.result.money!.acceptedEvents);
  });
});

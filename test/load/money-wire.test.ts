/** The check of the money, against the real server: it must pass whatever the load is. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import type { LoadResult } from '../../src/tools/load/result.ts';
import { askBalances, askMetrics, buyLine, sellLine } from '../support/asking.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { load, scratchFile } from './running.ts';

let server: RunningServer;
beforeAll(async () => {
  server = await startServer(['--workers', '1']);
});
afterAll(() => endWell(server));

/** The server's own ledger agrees. */
async function endWell(running: RunningServer): Promise<void> {
  expect((await running.stop()).ledger).toMatchObject({ exitCode: 0, lost: 0 });
}

let runs = 0;

/** A run whose money is right, with users that no other run has. */
async function balanced(flags: string, { port } = server): Promise<LoadResult> {
  const users = flags.includes('--user-prefix') ? '' : ` --user-prefix run-${runs++}-`;
  const ran = await load(port, `--check-balances ${flags}${users}`);
  expect(ran).toMatchObject({ exitCode: 0, complaints: [] });
  const { money, sent, answered } = ran.result;
  expect(money).toMatchObject({ balanced: true, lostEvents: 0, surplusEvents: 0, unknownEvents: 0 });
  expect(sent).toBe(answered);
  expect(ran.stderr).toContain('balanced: ');
  return ran.result;
}

const EVENTS = '--connections 8 --pipeline 32 --events 20000';

describe.concurrent('the money is right', () => {
  test('after twenty thousand events, and after twenty thousand more on top of them', async () => {
    const counts = { sent: 20_000, accepted: 20_000, money: { users: 500, acceptedAmount: 1_000_000 } };
    for (let round = 0; round < 2; round++)
      expect(await balanced(`${EVENTS} --users 500 --user-prefix twice-`)).toMatchObject(counts);
  });

  test('when the balances had a past, and somebody else moves others meanwhile', async () => {
    const client = await Client.open(server.port);
    client.send(buyLine('past-1', 12_345) + sellLine('past-2', 999) + buyLine('past', 5));
    await client.lines(3);
    const running = balanced(`${EVENTS} --users 50 --user-prefix past-`);
    for (let other = 0; other < 100; other++) await client.ask(buyLine('nobody of them', 1));
    await running;
    client.close();
  });

  test('after a warm-up, which is in the money and in nothing else', async () => {
    const { sent, accepted, money } = await balanced(`${EVENTS} --warmup 300ms`);
    expect({ sent, accepted }).toEqual({ sent: 20_000, accepted: 20_000 });
    expect(money!.acceptedEvents).toBeGreaterThan(20_000);
  });

  test('with all kinds of lines in the mix', async () => {
    const mix = 'buy=40,sell=20,wait=10,balance=10,metrics=5,health=5,garbage=10';
    const { accepted, ok, errors, reasons, latencyMs } = await balanced(`${EVENTS} --mix ${mix}`);
    expect(Math.min(accepted, ok, errors)).toBeGreaterThan(1_000);
    expect(Object.keys(reasons).sort()).toEqual(['invalid_event', 'invalid_json', 'unknown_type']);
    expect(Object.values(reasons).reduce((sum, times) => sum + times, 0)).toBe(errors);
    expect(Object.keys(latencyMs.uncorrected.byVerdict).sort()).toEqual(['accepted', 'error', 'ok']);
  });

  test('with nothing but sales, and names that need quotes', async () => {
    await balanced(`${EVENTS} --users 20 --mix sell=1 --user-prefix "ü\\`);
    expect((await askBalances(server.port, ['\\"ü\\\\0']))[0]).toBeLessThan(0);
  });

  test('with two threads, and users whose share follows a Zipf law', async () => {
    const flags = `${EVENTS} --threads 2 --connections 7 --skew zipf:1.1 --amount 3`;
    expect(await balanced(flags)).toMatchObject({ sent: 20_000, money: { acceptedAmount: 60_000 } });
  });

  test('in an open loop', async () => {
    const flags = '--rate 10000 --events 5000 --mix buy=2,sell=1,wait=1 --pipeline 1000';
    expect(await balanced(flags)).toMatchObject({ mode: 'open', sent: 5_000 });
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
    const flags = `--connections 1 --pipeline 4 --events 900 --replay ${file}`;
    expect(await balanced(flags)).toMatchObject({ sent: 900, accepted: 200, ok: 300, errors: 400 });
    expect(await askBalances(server.port, ['replay-a', 'replay-b'])).toEqual([1_000, -10_000]);
  });
});

describe.concurrent('the money is right where most is refused', () => {
  test.each([
    ['buys', ''],
    ['buys and sales, some of which are waited for', ' --mix buy=5,sell=3,wait=2,balance=1'],
    ['from two threads, to a few hot users, after a warm-up', ' --threads 2 --skew zipf --warmup 100ms'],
  ])('%s', async (_, flags) => {
    // Small and slow: its queues are full at once.
    const slow = await startServer(['--workers', '1', '--ring', '64', '--work-us', '20']);
    const size = '--connections 8 --pipeline 64 --events 20000 --users 300';
    const { busy, accepted, ok, latencyMs, money } = await balanced(`${size}${flags}`, slow);
    expect(busy).toBeGreaterThan(0);
    expect(busy + accepted + ok).toBe(20_000);
    expect(latencyMs.uncorrected.byVerdict.busy!.count).toBe(busy);
    const control = await Client.open(slow.port);
    const { dropped, processed } = await askMetrics(control);
    control.close();
    // The warm-up is not in the counts.
    expect(dropped).toBeGreaterThanOrEqual(busy);
    expect(processed).toBe(money!.acceptedEvents);
    await endWell(slow);
  });
});

/** `--ids`: what had no reply is sent again until it is decided, and the money is exact; transfers and minima. */
import { describe, expect, test } from 'vitest';
import { freePort } from '../../src/tools/harness/server.ts';
import type { LoadResult } from '../../src/tools/load/result.ts';
import { BUSY, SHUTTING_DOWN } from '../support/asking.ts';
import { newFolder } from '../support/folders.ts';
import { CLI, startServer } from '../support/server.ts';
import { load, startTally } from './running.ts';
import { type Fault, startWrongServer } from './wrong-servers.ts';

const MIX = '--mix buy=50,sell=15,wait=10,transfer=20,balance=5 --min 0';
const FLAGS = `--users 8 --connections 4 --pipeline 8 --events 1200 --ids --check-balances ${MIX}`;

/** Every 50th event (or another) is applied, and its connection dropped in place of a reply. */
const drops =
  (isDropped = (event: number) => event % 50 === 0): NonNullable<Fault['says']> =>
  (reply, { kind, number }, socket) => {
    if (kind === 'event' && isDropped(number)) socket.destroy();
    return reply;
  };

/** Nothing is left open: not a line, not a unit. */
function expectExact({ sent, answered, resent, unknown, money }: LoadResult): void {
  expect({ answered, unknown }).toEqual({ answered: sent, unknown: 0 });
  expect(resent).toBeGreaterThan(0);
  expect(money).toMatchObject({ balanced: true, sumOffBy: 0, unknownEvents: 0, wrongUsers: [] });
}

describe.concurrent('a server that drops connections', () => {
  test('gets what it did not answer again; every line is decided, and the money exact', async () => {
    const { port } = await startWrongServer({ says: drops() });
    const { exitCode, result, complaints, stderr } = await load(port, FLAGS);
    expect({ exitCode, complaints }).toEqual({ exitCode: 0, complaints: [] });
    expectExact(result);
    expect(result.sent).toBe(1_200);
    expect(result.plan.reconnect).toBe(true);
    expect(result.connections.lost).toBeGreaterThan(10);
    expect(result.money!.transfers).toBeGreaterThan(120);
    expect(stderr).toMatch(/^ {2}lines +sent 1,200 {3}answered 1,200 {3}again [\d,]+$/m);
    expect(stderr).toMatch(/balanced: [\d,]+ events \([\d,]+ transfers; the sum is right\) of 8 users/);
  });

  test('in an open loop, from two threads, after a warm-up', async () => {
    const { port } = await startWrongServer({ says: drops() });
    const flags = `--rate 2000 --duration 400ms --warmup 100ms --threads 2 --users 8 --ids --check-balances ${MIX}`;
    const { exitCode, result, complaints } = await load(port, flags);
    expect({ exitCode, complaints }).toEqual({ exitCode: 0, complaints: [] });
    expectExact(result);
  });

  test('and applies what comes again once more: the money is wrong', async () => {
    const { port } = await startWrongServer({ says: drops(), forgetsIds: true });
    const { exitCode, result, complaints } = await load(port, FLAGS.replace(` ${MIX}`, ''));
    expect(exitCode).toBe(3);
    expect(result.money).toMatchObject({ balanced: false, lostEvents: 0 });
    expect(result.money!.surplusEvents).toBeGreaterThan(0);
    expect(complaints).toEqual([expect.stringMatching(/^the money is wrong: applied \d+ events? too many/)]);
  });

  test('refuses what comes again, though it was applied: that decides nothing, and it comes once more', async () => {
    const again = new Set<string>();
    const { port } = await startWrongServer({
      says: (reply, asked, socket) => {
        const { kind, line } = asked;
        if (kind !== 'event') return reply;
        if (drops()(reply, asked, socket) && socket.destroyed) again.add(line);
        // Both of its copies that come next are refused.
        else if (again.delete(line)) {
          again.add(`${line} `);
          return `${BUSY}\n`;
        } else if (again.delete(`${line} `)) return `${SHUTTING_DOWN}\n`;
        return reply;
      },
    });
    const { exitCode, result, complaints } = await load(port, FLAGS);
    expect({ exitCode, complaints }).toEqual({ exitCode: 0, complaints: [] });
    expectExact(result);
    expect(result).toMatchObject({ busy: 0, refused: 0 });
  });

  test('and never answers one event: the run ends, and says so', async () => {
    let stuck: string | undefined;
    const { port } = await startWrongServer({
      says: (reply, { kind, line, number }, socket) => {
        if (kind === 'event' && number === 500) stuck = line;
        if (line === stuck) socket.destroy();
        return reply;
      },
    });
    const { exitCode, result, complaints } = await load(port, `${FLAGS} --grace 300ms`);
    expect(exitCode).toBe(1);
    expect(result.unknown).toBeGreaterThan(0);
    expect(result.answered + result.unknown).toBe(1_200);
    expect(complaints).toEqual([expect.stringMatching(/^\d+ lines? (?:was|were) sent and never answered$/)]);
    // Some of them are requests.
    expect(result.money!.unknownEvents).toBeGreaterThan(0);
    expect(result.money!.balanced).toBe(true);
  });
});

describe.concurrent('transfers', () => {
  test.each(['--ids', ''])(
    'of which one half is lost are found by the sum of all balances (%s)',
    async ids => {
      const { port } = await startWrongServer({ gives: event => (event === 500 ? 0 : 1) });
      const flags = `--users 8 --connections 4 --pipeline 8 --events 1000 --mix transfer=1 --check-balances ${ids}`;
      const { exitCode, result, complaints } = await load(port, flags.trim());
      expect(exitCode).toBe(3);
      expect(result.money).toMatchObject({ balanced: false, lostEvents: 1, lostAmount: 50, sumOffBy: -50 });
      expect(complaints[0]).toBe(
        'the money is wrong: lost 1 event, 50 of 50,000; the sum of all balances is 50 too low',
      );
    },
  );

  test('whose reply was lost, without ids, may be done or not, but not by half', async () => {
    const flags = '--users 8 --connections 4 --events 800 --mix transfer=1 --check-balances --reconnect';
    // Not at the end: a run whose connections are all lost then says that the server is gone.
    const says = drops(event => event % 20 === 0 && event <= 600);
    const servers = [{}, { gives: (event: number) => (event === 400 ? 0 : 1) }];
    const [right, wrong] = await Promise.all(
      servers.map(async fault => load((await startWrongServer({ says, ...fault })).port, flags)),
    );
    expect(right).toMatchObject({ exitCode: 0, result: { money: { balanced: true, sumOffBy: 0 } } });
    expect(right!.result.money!.unknownEvents).toBeGreaterThan(10);
    expect(wrong!.exitCode).toBe(3);
    // Within the bounds of each user, if there are few.
    expect(wrong!.result.money).toMatchObject({ balanced: false, sumOffBy: -50 });
    expect(wrong!.complaints[0]).toMatch(/the sum of all balances is 50 too low/);
  });

  test('that are refused for a minimum are no transfers, and have a count of their own', async () => {
    const { port } = await startWrongServer();
    const flags =
      '--users 2 --connections 2 --events 1000 --mix sell=1,transfer=1 --min -500 --check-balances';
    const { exitCode, result, stderr } = await load(port, flags);
    expect(exitCode).toBe(0);
    const { ok, insufficient, refused, reasons, latencyMs } = result;
    expect({ sum: ok + insufficient, refused, reasons }).toEqual({ sum: 1_000, refused: 0, reasons: {} });
    expect(insufficient).toBeGreaterThan(400);
    expect(latencyMs.uncorrected.byVerdict.insufficient!.count).toBe(insufficient);
    expect(stderr).toMatch(/^ {2}replies .*insufficient \d+ /m);
  });
});

describe.concurrent('the real server', () => {
  test('is exact', async () => {
    const server = await startServer(['--workers', '2']);
    const flags = `--users 50 --connections 8 --pipeline 64 --events 6000 --ids --check-balances ${MIX}`;
    // The same lines a second time: their ids are others.
    for (let run = 0; run < 2; run++) {
      const { exitCode, result, complaints } = await load(server.port, flags);
      expect({ exitCode, complaints }).toEqual({ exitCode: 0, complaints: [] });
      expect(result).toMatchObject({ sent: 6_000, answered: 6_000, resent: 0, reasons: {} });
      expect(result.money!.transfers).toBeGreaterThan(800);
    }
    expect((await server.stop()).ledger).toMatchObject({ exitCode: 0, lost: 0 });
  });

  test('is exact when it is killed in the midst', async () => {
    const port = String(await freePort());
    const serve = `'${process.execPath}' '${CLI}' serve --workers 2 --data '${newFolder()}/data' --port {port}`;
    const flags = `--users 8 --connections 4 --pipeline 8 --rate 1000 --duration 900ms ${MIX}`.split(' ');
    const { exitCode, stdout, complaints } = await startTally([
      ...['load', '--port', port, '--cmd', serve, '--kill-every', '700ms', '--json', '-'],
      ...[...flags, '--ids', '--check-balances'],
    ]).ended;
    expect({ exitCode, complaints }).toEqual({ exitCode: 0, complaints: [] });
    const result = JSON.parse(stdout) as LoadResult;
    expect(result.kills.length).toBeGreaterThan(0);
    expect(result.unknown).toBe(0);
    expect(result.money).toMatchObject({ balanced: true, unknownEvents: 0 });
  });
});

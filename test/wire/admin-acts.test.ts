/** Administration over the wire: what is done to connections, to the log and to the journal. */
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../src/tools/harness/waiting.ts';
import {
  Administered,
  adminLine,
  connectionsOf,
  errorLine,
  lastOf,
  NOBODY,
} from '../support/administered.ts';
import { ACCEPTED, askMetrics, buyLine, FREEZE, HEALTH, HEALTHY, okLine, THAW } from '../support/asking.ts';
import { runCli } from '../support/server.ts';

const NO_SUCH_CLIENT = errorLine('no_such_client');

let its: Administered;
beforeAll(async () => {
  its = await Administered.start();
});
afterAll(() => its.stop());
beforeEach(() => its.closeAll());

describe('connections', () => {
  test('are listed by their numbers, with who they are, if that is known', async () => {
    const ops = await its.open('ops');
    const number = await lastOf(ops);
    await its.open();
    await its.open('till');
    const reply = await ops.ask(adminLine({ do: 'connections', after: number - 1 }));
    const common = '"address":"127.0.0.1"';
    expect(reply.replace(/"since_ms":\d+/g, '"since_ms":N')).toBe(
      `{"status":"ok","connections":[{"client":${number},${common},"name":"token ops","since_ms":N},` +
        `{"client":${number + 1},${common},"since_ms":N},{"client":${number + 2},${common},"name":"token till","since_ms":N}]}`,
    );
    expect(await ops.ask(adminLine({ do: 'connections', after: number, limit: 1 }))).toMatch(
      new RegExp(`"client":${number + 1},.*\\],"next":${number + 1}\\}$`),
    );
    expect(await ops.ask(adminLine({ do: 'connections', after: number + 2 }))).toBe(
      '{"status":"ok","connections":[]}',
    );
    const [first, second] = [await connectionsOf(ops), await connectionsOf(ops)];
    expect(second[0]!.since_ms).toBeGreaterThanOrEqual(first[0]!.since_ms);
    expect(first[0]!.since_ms).toBeLessThan(600_000);
  });

  test('that have gone are not listed', async () => {
    const ops = await its.open('ops');
    const gone = await its.open('till');
    const number = await lastOf(ops);
    gone.close();
    await until(async () => (await lastOf(ops)) !== number, 'it to be gone');
    expect(await ops.ask(adminLine({ do: 'close', client: number }))).toBe(NO_SUCH_CLIENT);
  });
});

describe('close', () => {
  test('ends that one connection, with all its replies, and is counted', async () => {
    const [ops, all, till] = [await its.open('ops'), await its.open('all'), await its.open('till')];
    const number = await lastOf(ops);
    const before = (await askMetrics(all)) as unknown as { closed_admin: number };
    till.send('{"user":"till3:1","action":"buy","amount":1}\n'.repeat(500));
    await until(async () => till.received.length > 0, 'it to be served');
    expect(await ops.ask(adminLine({ do: 'close', client: number }))).toBe(HEALTHY);
    await till.over();
    const lines = till.received.split('\n').slice(0, -1);
    expect(new Set(lines)).toEqual(new Set([ACCEPTED]));
    till.close();
    const after = (await askMetrics(all)) as unknown as { closed_admin: number };
    expect(after.closed_admin).toBe(before.closed_admin + 1);
    expect(await ops.ask(HEALTH)).toBe(HEALTHY);
    await until(async () => (await lastOf(ops)) < number, 'it to be gone');
    expect(await ops.ask(adminLine({ do: 'close', client: number }))).toBe(NO_SUCH_CLIENT);
    const balances = JSON.parse(await ops.ask(adminLine({ do: 'users', prefix: 'till3:1' }))) as {
      users: { balance: number }[];
    };
    expect(balances.users[0]!.balance).toBeGreaterThanOrEqual(lines.length);
  });

  test('ends a client that waits for a worker, when it has its answer', async () => {
    const [ops, all, other] = [await its.open('ops'), await its.open('all'), await its.open('all')];
    await all.ask(buyLine('closed', 1));
    const number = (await connectionsOf(ops)).at(-2)!.client;
    await other.ask(FREEZE);
    all.send(buyLine('closed', 1).replace('}', ',"wait":true}'));
    await all.ask(HEALTH, 20).catch(() => {});
    expect(await ops.ask(adminLine({ do: 'close', client: number }))).toBe(HEALTHY);
    // It is ending already.
    expect(await ops.ask(adminLine({ do: 'close', client: number }))).toBe(NO_SUCH_CLIENT);
    await other.ask(THAW);
    await all.over();
    expect(all.received).toContain(okLine(2));
  });

  test('ends whoever asks for it, when they have been told, and serves nothing behind it', async () => {
    const ops = await its.open('ops');
    const number = await lastOf(ops);
    ops.send(HEALTH + adminLine({ do: 'close', client: number }) + HEALTH);
    expect(await ops.finish()).toBe(`${HEALTHY}\n${HEALTHY}\n`);
  });
});

test('log_level holds at once', async () => {
  const all = await its.open('all');
  const deaths = () => its.server.events.filter(({ event }) => event === 'worker_died').length;
  /** Has a worker die, and waits until there is another, and the log has gone on. */
  const killOne = async () => {
    const { worker_deaths } = await askMetrics(all);
    await all.ask('{"type":"debug","do":"kill","worker":0}\n');
    await until(async () => (await askMetrics(all)).worker_deaths > worker_deaths, 'it to die');
    await until(async () => (await all.ask(HEALTH)) === HEALTHY, 'another to be there');
    await its.caughtUp(all);
  };
  const before = deaths();
  expect(await all.ask(adminLine({ do: 'log_level', level: 'error' }))).toBe(HEALTHY);
  await killOne();
  expect(deaths()).toBe(before);
  expect(await all.ask(adminLine({ do: 'log_level', level: 'warn' }))).toBe(HEALTHY);
  await killOne();
  expect(deaths()).toBe(before + 1);
});

test('a snapshot is there when it is answered, beside events that go on, and the journal is whole', async () => {
  const all = await its.open('all');
  // Some segments.
  for (let round = 0; round < 20; round++) {
    all.send(buyLine(`kept:${round}`, 1).repeat(2_000));
    await all.lines(2_000);
  }
  const journal = async () =>
    ((await askMetrics(all)) as unknown as { journal: { snapshots: number; snapshot_age_ms: number } })
      .journal;
  const before = (await journal()).snapshots;
  expect(await all.ask(adminLine({ do: 'snapshot' }))).toBe(HEALTHY);
  const after = await journal();
  expect(after.snapshots).toBeGreaterThan(before);
  expect(after.snapshot_age_ms).toBeLessThan(10_000);
  const [ops, other] = [await its.open('ops'), await its.open('all')];
  other.send(buyLine('kept:0', 1).repeat(5_000));
  // Two at once.
  const both = Promise.all([all.ask(adminLine({ do: 'snapshot' })), ops.ask(adminLine({ do: 'snapshot' }))]);
  expect(await both).toEqual([HEALTHY, HEALTHY]);
  await other.lines(5_000);
  expect((await journal()).snapshots).toBeGreaterThan(after.snapshots);
  const { exitCode, stdout } = await runCli(['journal', 'verify', join(its.folder, 'data'), '--json']);
  expect({ exitCode, damage: JSON.parse(stdout).damage }).toEqual({ exitCode: 0, damage: [] });
  const users = JSON.parse(await all.ask(adminLine({ do: 'users', prefix: 'kept:', limit: 1 })));
  expect(users).toEqual({ status: 'ok', users: [{ user: 'kept:0', balance: 7_000 }], next: 'kept:0' });
});

test('acts that come in a flood wait, rather than go unlogged', async () => {
  const ops = await its.open('ops');
  await ops.ask(adminLine({ do: 'log_level', level: 'error' }));
  const from = await its.caughtUp(ops);
  const ACTS_SENT = 250;
  const startMs = performance.now();
  ops.send(adminLine({ do: 'close', client: NOBODY }).repeat(ACTS_SENT));
  const other = await its.open('till');
  expect(await other.ask(HEALTH)).toBe(HEALTHY);
  expect(new Set(await ops.lines(ACTS_SENT))).toEqual(new Set([NO_SUCH_CLIENT]));
  // A hundred at once, and a hundred a second.
  expect(performance.now() - startMs).toBeGreaterThan(1_000);
  await until(() => its.actsSince(from).length >= ACTS_SENT, 'the log to say all of them');
  expect(its.actsSince(from).length).toBe(ACTS_SENT);
});

/**
 * A cluster is upgraded node by node while clients go on, and one node is taken back: what was acknowledged by either
 * build is on every node, once. The other build is a checkout that has been built, in `TALLY_TEST_BUILD`:
 *
 *     git worktree add ../before HEAD~20 && (cd ../before && npm ci && npm run build)
 *     TALLY_TEST_BUILD=../before npm run long -- test/long/cluster-upgrade.test.ts
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isNatsServerHere, NatsServers } from '../../src/tools/cluster/nats-servers.ts';
import { Client } from '../../src/tools/harness/client.ts';
import { CLI, type RunningServer, startServer } from '../support/server.ts';

const build = process.env.TALLY_TEST_BUILD;
const OTHER = build === undefined ? undefined : resolve(build, 'dist/src/cli/main.js');
if (OTHER === undefined) console.log('left out: TALLY_TEST_BUILD names no checkout that has been built');
const NODES = ['one', 'two', 'three'];
const USERS = 50;
const EVENTS = 300;

describe.skipIf(OTHER === undefined || !isNatsServerHere())('a cluster of two builds', () => {
  let nats: NatsServers;
  const nodes: RunningServer[] = [];
  const wanted = new Map<string, number>();
  let loads = 0;

  const start = (index: number, cli: string) =>
    startServer(['--cluster', nats.urls.join(','), '--node', NODES[index]!, '--drain-ms-min', '0'], {}, cli);

  /** Events with ids, each answered with its balance before the next. */
  async function load({ port }: RunningServer): Promise<void> {
    loads += 1;
    const own = loads;
    const client = await Client.open(port);
    for (let index = 0; index < EVENTS; index += 1) {
      const user = `user ${index % USERS}`;
      const id = `${own} ${index}`;
      const event = { user, action: 'buy', amount: 1, id, wait: true };
      expect(await client.ask(`${JSON.stringify(event)}\n`)).toContain('"ok"');
      wanted.set(user, (wanted.get(user) ?? 0) + 1);
    }
    client.close();
  }

  async function balancesOf({ port }: RunningServer): Promise<Map<string, number>> {
    const client = await Client.open(port);
    const found = new Map<string, number>();
    for (const user of wanted.keys()) {
      const reply = await client.ask(`${JSON.stringify({ type: 'balance', user, fresh: true })}\n`);
      found.set(user, (JSON.parse(reply) as { balance: number }).balance);
    }
    client.close();
    return found;
  }

  beforeAll(async () => {
    if (!existsSync(OTHER!)) throw new Error(`there is no ${OTHER}: npm ci && npm run build there`);
    nats = await NatsServers.start({ count: 3 });
    nodes.push(...(await Promise.all(NODES.map((_, index) => start(index, OTHER!)))));
    await Promise.all(nodes.map(load));
  }, 120_000);
  afterAll(async () => {
    await Promise.all(nodes.map(node => node.stop('SIGTERM', 'SIGKILL')));
    await nats.stop();
  }, 60_000);

  test.each([
    ['the first node is upgraded', 0, CLI],
    ['the second', 1, CLI],
    ['the third', 2, CLI],
    ['one is taken back', 1, OTHER!],
  ])(
    '%s',
    async (_, index, cli) => {
      const others = Promise.all(nodes.filter((_, other) => other !== index).map(load));
      expect((await nodes[index]!.stop('SIGTERM')).exitCode).toBe(0);
      nodes[index] = await start(index, cli);
      await others;
      await load(nodes[index]!);
      for (const node of nodes) expect(await balancesOf(node)).toEqual(wanted);
    },
    120_000,
  );
});

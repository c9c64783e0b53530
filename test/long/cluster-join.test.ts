/**
 * A new node where a million users and ten million events are: how long until it serves, from the streams alone, and from
 * a snapshot. Its balances are compared with those of the node that has been there from the beginning.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { isNatsServerHere, NatsServers } from '../../src/tools/cluster/nats-servers.ts';
import { Client } from '../../src/tools/harness/client.ts';
import { DEFAULT_WORK } from '../../src/tools/load/plan.ts';
import { figure } from '../support/figure.ts';
import { keep } from '../support/keep.ts';
import { runCli, startServer } from '../support/server.ts';

const USERS = 1_000_000;
const EVENTS = 10_000_000;
const LOOKED_AT = 2_000;
const SNAPSHOT_MS_MAX = 120_000;
const startedAt = new Date();
const measures: ReturnType<typeof figure>[] = [];

async function joined(urls: readonly string[], node: string, first: number): Promise<number> {
  const startMs = performance.now();
  const server = await startServer(['--cluster', urls.join(','), '--node', node]);
  const tookMs = performance.now() - startMs;
  try {
    const [one, other] = await Promise.all([first, server.port].map(port => Client.open(port)));
    for (let user = 0; user < USERS; user += USERS / LOOKED_AT) {
      const line = `{"type":"balance","user":"${DEFAULT_WORK.userPrefix}${user}"}\n`;
      expect(await other!.ask(line)).toBe(await one!.ask(line));
    }
    one!.close();
    other!.close();
  } finally {
    await server.stop();
  }
  return tookMs;
}

describe.skipIf(!isNatsServerHere())('a new node', () => {
  test('serves within ten seconds', async () => {
    const nats = await NatsServers.start({ count: 3 });
    const blocks = ['--cluster-snapshot-blocks', '1000000'];
    let first = await startServer(['--cluster', nats.urls.join(','), '--node', 'first', ...blocks]);
    try {
      const flags = `--connections 50 --pipeline 512 --users ${USERS} --events ${EVENTS} --check-balances`;
      const load = await runCli(['load', '--port', String(first.port), ...flags.split(' ')]);
      expect(load.exitCode, load.stderr + load.stdout).toBe(0);
      const fromStreamsMs = await joined(nats.urls, 'second', first.port);

      // Now one block is enough for a snapshot.
      await first.stop();
      first = await startServer([
        ...['--cluster', nats.urls.join(','), '--node', 'first', '--cluster-snapshot-blocks', '1'],
      ]);
      const client = await Client.open(first.port);
      await client.ask('{"user":"one more","action":"buy","amount":1}\n');
      const endMs = performance.now() + SNAPSHOT_MS_MAX;
      for (;;) {
        const detail = JSON.parse(await client.ask('{"type":"metrics","detail":true}\n'));
        if (detail.cluster.snapshot_age_ms >= 0) break;
        expect(performance.now()).toBeLessThan(endMs);
        await new Promise(resolve => setTimeout(resolve, 200));
      }
      client.close();
      const fromSnapshotMs = await joined(nats.urls, 'third', first.port);
      const how = 'a million users and ten million events';
      measures.push(
        figure(how, 'ms until a new node serves, from the streams alone', 'lower', fromStreamsMs),
        figure(how, 'ms until a new node serves, from a snapshot', 'lower', fromSnapshotMs),
      );
      console.log(
        `from the streams ${Math.round(fromStreamsMs)} ms, from a snapshot ${Math.round(fromSnapshotMs)} ms`,
      );
    } finally {
      await first.stop();
      await nats.stop();
    }
  }, 600_000);
});

afterAll(() => {
  if (measures.length > 0)
    keep('cluster-join', 'npm run long -- test/long/cluster-join.test.ts', startedAt, measures);
});

/** The live page of a node of a cluster, in a real browser: partitions in place of rings, and what becomes of NATS. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isNatsServerHere, NatsServers } from '../../src/tools/cluster/nats-servers.ts';
import { Client } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { buyLine } from '../support/asking.ts';
import { Chromium, findChromium } from '../support/chromium.ts';
import { type HttpServer, startHttpServer } from '../support/http.ts';

const file = findChromium();
const areHere = file !== undefined && isNatsServerHere();
const PARTITIONS = 3;
const EVENTS = 60;
/** A browser on a busy machine takes its time. */
const START_MS_MAX = 60_000;
if (!areHere)
  console.warn('skipped: there is no chromium or no nats-server here to show the page of a node with');

describe.skipIf(!areHere)('the live page of a node, in Chromium', () => {
  let nats: NatsServers;
  let server: HttpServer;
  let page: Chromium;

  beforeAll(async () => {
    nats = await NatsServers.start({ count: 1 });
    const cluster = ['--cluster', nats.urls.join(','), '--cluster-replicas', '1'];
    server = await startHttpServer([...cluster, '--cluster-partitions', `${PARTITIONS}`, '--node', 'one']);
    page = await Chromium.start(file!);
    await page.resize(1280, 1_000);
    await page.open(`http://127.0.0.1:${server.http}/`);
    await shows('state-word', 'serving');
  }, START_MS_MAX);

  afterAll(async () => {
    await page?.close();
    await server?.stop('SIGKILL');
    await nats?.stop();
  });

  const textOf = (id: string) => page.evaluate<string>(`document.getElementById('${id}').textContent`);
  const shows = (id: string, text: string) =>
    until(async () => (await textOf(id)) === text, `${id}: ${text}`);
  const cells = () =>
    page.evaluate<string[][]>(
      `Array.from(document.querySelectorAll('#partition-rows tr'), row => Array.from(row.cells, cell => cell.textContent))`,
    );

  test('shows partitions, and what their streams hold, and nothing of rings', async () => {
    const client = await Client.open(server.port);
    for (let event = 0; event < EVENTS; event++)
      await client.ask(buyLine(`u${event}`, 1).replace('}', ',"wait":true}'));
    const { cluster } = JSON.parse(await client.ask('{"type":"metrics","detail":true}\n')) as {
      cluster: { sequences: number[] };
    };
    client.close();
    const lastBlocks = async () => (await cells()).map(row => Number(row[4]));
    await until(async () => String(await lastBlocks()) === String(cluster.sequences), 'the streams');
    expect(cluster.sequences.reduce((sum, each) => sum + each, 0)).toBe(EVENTS);
    const named = cluster.sequences.map((_, partition) => [`${partition}`, '0']);
    const lags = async () => (await cells()).map(([partition, , lag]) => [partition, lag]);
    // The node hears once a second how long its streams are.
    await until(async () => JSON.stringify(await lags()) === JSON.stringify(named), 'the lags');
    const visible = await page.evaluate<string[]>(
      `Array.from(document.querySelectorAll('h2'), heading => heading.checkVisibility() ? heading.textContent : '').filter(Boolean)`,
    );
    expect(visible).toEqual(['Partitions', 'Shards', 'The last minute', 'Cluster', 'Ledger']);
    // Its events are not looked at by shard.
    expect(await page.evaluate(`document.querySelector('input[name=heat]').checkVisibility()`)).toBe(false);
    expect(await textOf('cluster-up')).toBe('yes');
    expect(await textOf('workers')).toBe(`${PARTITIONS} of ${PARTITIONS}`);
    await until(async () => Number(await textOf('cluster-sent')) === EVENTS, 'the blocks');
    expect(await page.evaluate(`document.querySelectorAll('.chart strong')[1].textContent`)).toBe('Lag');
  });

  test('is no wider than a phone', async () => {
    await page.resize(390, 844);
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(390);
    await page.resize(1280, 1_000);
  });

  test('says that nothing can be stored, and that it can again', async () => {
    await nats.servers[0]!.kill();
    await shows('state-word', 'degraded');
    await shows('cluster-up', 'no');
    expect(await textOf('banner')).toMatch(/^Nothing can be stored in NATS/);
    nats.servers[0]!.start();
    await shows('state-word', 'serving');
    await shows('cluster-up', 'yes');
    expect(page.complaints).toEqual([]);
  });
});

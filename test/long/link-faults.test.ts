/**
 * The NATS side of two nodes under load, while one of three servers of NATS is killed or falls silent: whichever it is,
 * each block that was stored is read once, at one place, in the same order by both.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { jetstreamManager } from '@nats-io/jetstream';
import { describe, expect, test } from 'vitest';
import { streamOf } from '../../src/cluster/names.ts';
import type { NatsServer } from '../../src/tools/cluster/nats-servers.ts';
import { ROOT } from '../../src/tools/harness/root.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { Linked, linkStart, newCluster } from '../cluster/linked.ts';
import { isNatsMissing, useNats } from '../cluster/nats.ts';

const ROUND_MS_MAX = 180_000;
/** What is stored of each node and partition once the fault is there, and once more when it is over. */
const BLOCKS = 100;
const PAUSE_MS = 5;

describe.skipIf(isNatsMissing)('two links', () => {
  const used = useNats();

  const byAddress = (address: string) =>
    used.servers.servers.find(({ port }) => address.endsWith(`:${port}`))!;
  const others = (server: NatsServer) => used.servers.servers.filter(each => each !== server);
  const faults: [string, (cluster: string, node: Linked) => Promise<NatsServer>][] = [
    ['that leads a stream', async cluster => (await used.servers.leaderOf(streamOf(cluster, 0)))!],
    ['that makes streams and consumers', async () => (await used.servers.metaLeader())!],
    ['that one of them is connected to', async (_, node) => byAddress(node.server)],
    [
      'that has only copies',
      async cluster => others((await used.servers.leaderOf(streamOf(cluster, 0)))!)[0]!,
    ],
  ];

  test.each(
    faults.flatMap(([what, find]) =>
      ['killed', 'stopped'].map(how => [`while a server ${what} is ${how}`, find, how] as const),
    ),
  )(
    '%s',
    async (_, find, how) => {
      const cluster = newCluster();
      const starts = ['one', 'two'].map(node => linkStart(used.servers.urls, { cluster, node }));
      const nodes = await Promise.all(starts.map(start => Linked.begun(start)));
      const store = async (part: string) => {
        const each = async (node: Linked, partition: number) => {
          for (let block = 0; block < BLOCKS; block++) {
            await node.store(partition, `${node.start.node} ${part} ${block}`);
            await sleep(PAUSE_MS);
          }
        };
        await Promise.all(nodes.flatMap(node => [each(node, 0), each(node, 1)]));
      };
      await store('before');
      await until(() => nodes[0]!.server !== '', 'it says where it is connected to');
      const server = await find(cluster, nodes[0]!);
      const load = store('during');
      if (how === 'killed') await server.kill();
      else server.pause();
      await load;
      if (how === 'killed') server.start();
      else server.goOn();
      await store('after');
      for (const node of nodes)
        for (const partition of [0, 1]) {
          await node.untilRead(partition, 6 * BLOCKS);
          expect(new Set(node.texts(partition)).size).toBe(6 * BLOCKS);
        }
      // It was told that nothing was stored for a while, and that it was stored again.
      for (const { links } of nodes) expect(links.at(-1)?.isUp ?? true).toBe(true);
      if (find === faults[0]![1])
        for (const { links } of nodes) expect(links.some(({ isUp }) => !isUp)).toBe(true);
      expect(nodes[1]!.blocks).toEqual(nodes[0]!.blocks);
      expect(nodes.flatMap(({ mistakes, refused }) => [...mistakes, refused ?? []].flat())).toEqual([]);
      await Promise.all(nodes.map(node => node.stop()));
      await used.servers.untilWell();
    },
    ROUND_MS_MAX,
  );

  test('and a third one of a name whose process was killed: it has the name after 5 s', async () => {
    const start = linkStart(used.servers.urls, { cluster: newCluster() });
    const thread = new Worker(`${ROOT}dist/src/cluster/link-thread.js`, { workerData: start });
    await new Promise(resolve => {
      thread.on('message', message => message.is === 'opened' && resolve(undefined));
    });
    // As a process that is killed does: it says nothing more.
    await thread.terminate();
    const startMs = performance.now();
    const next = await Linked.open(start);
    expect(next.opened!.epoch).toBe(2);
    expect(performance.now() - startMs).toBeLessThan(8_000);
  });

  test('are refused when a stream is deleted', async () => {
    const node = await Linked.begun(linkStart(used.servers.urls, { cluster: newCluster() }));
    await node.store(0, 'block');
    const stream = streamOf(node.start.cluster, 0);
    const manager = await jetstreamManager(used.nats);
    await manager.streams.delete(stream);
    expect(await node.untilRefused()).toBe(
      `the stream ${stream} was deleted; its blocks are lost: restore it, or make another cluster (--cluster-name)`,
    );
  });
});

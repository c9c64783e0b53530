/** The NATS side of nodes, over three real servers: what they agree on, what is stored, and what is read. */
import { Worker } from 'node:worker_threads';
import { jetstreamManager } from '@nats-io/jetstream';
import { describe, expect, test } from 'vitest';
import { hashSeedOf } from '../../src/cluster/constitution.ts';
import type { FromLink, ToLink } from '../../src/cluster/messages.ts';
import { blockId, streamOf, subjectOf } from '../../src/cluster/names.ts';
import { Publisher } from '../../src/cluster/publisher.ts';
import { ROOT } from '../../src/tools/harness/root.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { Linked, linkStart, newCluster } from './linked.ts';
import { isNatsMissing, useNats } from './nats.ts';

describe.skipIf(isNatsMissing)('a link', { concurrent: true }, () => {
  const used = useNats();
  const startIn = (cluster: string, more: Parameters<typeof linkStart>[1] = {}) =>
    linkStart(used.servers.urls, { cluster, ...more });

  test('nodes that start at the same time agree, also on what was drawn', async () => {
    const cluster = newCluster();
    const names = ['one', 'two', 'three'];
    const nodes = await Promise.all(names.map(node => Linked.open(startIn(cluster, { node }))));
    const [first, ...others] = nodes.map(({ opened }) => opened!.constitution);
    for (const other of others) expect(other).toEqual(first);
    const seed = hashSeedOf(first!);
    expect(seed.first & seed.second & 1).toBe(1);
    expect(new Set([seed.start, ...seed.id]).size).toBeGreaterThan(3);
    for (const { opened } of nodes)
      expect(opened).toMatchObject({ epoch: 1, ends: [0, 0], snapshot: undefined });
  });

  test('what one stores all read, in the order of the stream, and it is told to be stored before it is read', async () => {
    const cluster = newCluster();
    const [one, two] = await Promise.all([
      Linked.begun(startIn(cluster)),
      Linked.begun(startIn(cluster, { node: 'two' })),
    ]);
    const sequences: number[] = [];
    for (let round = 0; round < 20; round++)
      sequences.push(
        ...(await Promise.all([
          one.store(0, `one ${round}`),
          two.store(0, `two ${round}`),
          one.store(1, `x ${round}`),
        ])),
      );
    expect(Math.max(...sequences)).toBe(40);
    await Promise.all([one, two].flatMap(node => [node.untilRead(0, 40), node.untilRead(1, 20)]));
    expect(two.blocks).toEqual(one.blocks);
    expect(one.texts(0).filter(text => text.startsWith('one'))).toEqual(
      Array.from({ length: 20 }, (_, round) => `one ${round}`),
    );
    expect([...one.mistakes, ...two.mistakes]).toEqual([]);
  });

  test('a block that is sent again is stored once, and is told where', async () => {
    const cluster = newCluster();
    await Linked.open(startIn(cluster));
    const told: number[][] = [];
    const publisher = () =>
      new Publisher({
        nats: used.nats,
        stream: streamOf(cluster, 0),
        subject: subjectOf(cluster, 0),
        idOf: number => blockId('other', 7, 0, number),
        onStored: (number, sequence) => told.push([number, sequence]),
        onSent: () => {},
      });
    for (const number of [1, 2, 2, 1]) {
      const before = told.length;
      publisher().publish(number, Buffer.from(`block ${number}`));
      await until(() => told.length > before, 'it is stored');
    }
    expect(told).toEqual([
      [1, 1],
      [2, 2],
      [2, 2],
      [1, 1],
    ]);
    const manager = await jetstreamManager(used.nats);
    expect((await manager.streams.info(streamOf(cluster, 0))).state.messages).toBe(2);
  });

  test('when streams change their leaders under load, nothing is lost, and nothing comes twice', async () => {
    const cluster = newCluster();
    const [one, two] = await Promise.all([
      Linked.begun(startIn(cluster)),
      Linked.begun(startIn(cluster, { node: 'two' })),
    ]);
    const blocks = 150;
    const load = async (node: Linked, partition: number) => {
      for (let round = 0; round < blocks; round++) await node.store(partition, `${node.start.node} ${round}`);
    };
    const loads = [one, two].flatMap(node => [load(node, 0), load(node, 1)]);
    for (let round = 0; round < 2; round++)
      for (const partition of [0, 1]) {
        await one.untilRead(partition, 40 * (round + 1));
        await used.nats.request(`$JS.API.STREAM.LEADER.STEPDOWN.${streamOf(cluster, partition)}`);
      }
    await Promise.all(loads);
    for (const partition of [0, 1]) {
      await Promise.all([one, two].map(node => node.untilRead(partition, 2 * blocks)));
      expect(new Set(one.texts(partition)).size).toBe(2 * blocks);
      expect(one.texts(partition).length).toBe(2 * blocks);
    }
    expect(two.blocks).toEqual(one.blocks);
    expect([...one.mistakes, ...two.mistakes]).toEqual([]);
  });

  test('as a thread: it opens, stores, tells its figures, and ends by itself when it is stopped', async () => {
    const cluster = newCluster();
    const thread = new Worker(`${ROOT}dist/src/cluster/link-thread.js`, { workerData: startIn(cluster) });
    const heard: FromLink[] = [];
    const ended = new Promise(resolve => thread.once('exit', resolve));
    thread.on('message', message => heard.push(message));
    const of = <Is extends FromLink['is']>(is: Is) =>
      heard.find((message): message is Extract<FromLink, { is: Is }> => message.is === is);
    await until(() => of('opened') !== undefined, 'it is opened', 30_000);
    const send = (message: ToLink) => thread.postMessage(message);
    send({ is: 'begin', from: [1, 1] });
    send({ is: 'block', partition: 1, number: 1, bytes: Buffer.from('hello') });
    await until(() => of('blocks') !== undefined && of('figures') !== undefined, 'it is read', 30_000);
    expect(of('stored')).toEqual({ is: 'stored', partition: 1, number: 1, sequence: 1 });
    expect(Buffer.from(of('blocks')!.blocks[0]!.bytes).toString()).toBe('hello');
    const stored = () => heard.findLast(message => message.is === 'figures' && message.figures.stored === 1);
    await until(() => stored() !== undefined, 'it is counted');
    expect(stored()).toMatchObject({
      figures: {
        sent: 1,
        resent: 0,
        reconnects: 0,
        remade: 0,
        server: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      },
    });
    send({ is: 'stop' });
    expect(await ended).toBe(0);
  });
});

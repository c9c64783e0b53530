/** What a node reads of its streams, over a real server: how much at a time, and where something is missing. */
import { DeliverPolicy, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { beforeAll, describe, expect, test } from 'vitest';
import { readDirect, timeOf } from '../../src/cluster/direct.ts';
import { Intake } from '../../src/cluster/intake.ts';
import { streamOf, subjectOf } from '../../src/cluster/names.ts';
import type { Refusal } from '../../src/cluster/refusal.ts';
import { StreamReader } from '../../src/cluster/stream-reader.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { Linked, linkStart, newCluster } from './linked.ts';
import { isNatsMissing, useNats } from './nats.ts';

describe.skipIf(isNatsMissing)('a link reads', { concurrent: true }, () => {
  const used = useNats({ count: 1 });
  let manager: JetStreamManager;
  const startIn = (cluster: string) => linkStart(used.servers.urls, { cluster, replicas: 1 });
  beforeAll(async () => {
    if (!isNatsMissing) manager = await jetstreamManager(used.nats);
  });

  /** As another node would. */
  async function fill(cluster: string, blocks: number, bytes: number): Promise<void> {
    const client = jetstream(used.nats);
    const body = Buffer.alloc(bytes);
    const acks = Array.from({ length: blocks }, () => client.publish(subjectOf(cluster, 0), body));
    await Promise.all(acks);
  }

  /** One that reads a stream from its begin, and puts the sequences into `read`. */
  function readerOf(
    cluster: string,
    read: number[],
    more: { messagesMax: number; bytesMax: number; nats?: NatsConnection; consumers?: object },
  ): StreamReader {
    const { consumers = manager.consumers, nats = used.nats, ...limits } = more;
    return new StreamReader({
      ...{
        nats,
        manager: { ...manager, consumers } as JetStreamManager,
        stream: streamOf(cluster, 0),
        from: 1,
      },
      ...limits,
      onMessage: ({ sequence }) => read.push(sequence),
      check: async () => {},
      checkHas: async () => {},
      onRefused: refusal => {
        throw refusal;
      },
      onTrouble: () => {},
    });
  }

  test('no more than it may before something is applied: so many blocks', async () => {
    const node = await Linked.open(startIn(newCluster()));
    await fill(node.start.cluster, 3_000, 10);
    node.isApplying = false;
    node.link.hear({ is: 'begin', from: [1, 1] });
    await node.untilRead(0, 2_048);
    await new Promise(resolve => setTimeout(resolve, 200));
    expect(node.blocks[0]).toHaveLength(2_048);
    node.apply();
    await node.untilRead(0, 3_000);
    expect(node.blocks[0]!.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 3_000 }, (_, index) => index + 1),
    );
    expect(node.mistakes).toEqual([]);
  });

  test('no more than it may before something is applied: so many bytes', async () => {
    const node = await Linked.open(startIn(newCluster()));
    const bytes = 60_000;
    await fill(node.start.cluster, 200, bytes);
    node.isApplying = false;
    node.link.hear({ is: 'begin', from: [1, 1] });
    // A pull counts headers and subjects, too.
    const most = Math.floor(8_388_608 / bytes);
    await node.untilRead(0, most - 2);
    await new Promise(resolve => setTimeout(resolve, 200));
    expect(node.blocks[0]!.length).toBeLessThanOrEqual(most);
    while (node.blocks[0]!.length < 200) {
      const had = node.blocks[0]!.length;
      node.apply();
      await node.untilRead(0, had + 1);
    }
    expect(node.mistakes).toEqual([]);
  });

  test('from where it is told to, with the time of the stream', async () => {
    const node = await Linked.open(startIn(newCluster()));
    await fill(node.start.cluster, 5, 10);
    node.link.hear({ is: 'begin', from: [4, 1] });
    await node.untilRead(0, 2);
    expect(node.blocks[0]!.map(({ sequence }) => sequence)).toEqual([4, 5]);
    const { state } = await manager.streams.info(streamOf(node.start.cluster, 0));
    expect(node.blocks[0]![1]!.timeMs).toBe(timeOf(state.last_ts));
  });

  test('on when its consumer is deleted', async () => {
    const cluster = newCluster();
    const node = await Linked.begun(startIn(cluster));
    const stream = streamOf(cluster, 0);
    for (const text of ['a', 'b', 'c']) await node.store(0, text);
    await node.untilRead(0, 3);
    const consumers = await manager.consumers.list(stream).next();
    expect(consumers).toHaveLength(1);
    await manager.consumers.delete(stream, consumers[0]!.name);
    await node.store(0, 'd');
    await node.untilRead(0, 4);
    expect([...node.mistakes, node.refused]).toEqual([undefined]);
  });

  test('nothing behind a block that is gone: it is refused', async () => {
    const cluster = newCluster();
    const node = await Linked.begun(startIn(cluster));
    const stream = streamOf(cluster, 0);
    for (const text of ['a', 'b', 'c']) await node.store(0, text);
    await node.untilRead(0, 3);
    const other = await Linked.open({ ...node.start, node: 'other' });
    await manager.streams.deleteMessage(stream, 2);
    other.link.hear({ is: 'begin', from: [1, 1] });
    expect(await other.untilRefused()).toMatch(
      new RegExp(`^the stream ${stream} has no block 2, though it has later ones`),
    );
    expect(other.texts(0)).toEqual(['a']);
    // Who has read it goes on.
    await node.store(0, 'd');
    await node.untilRead(0, 4);
    expect(node.refused).toBeUndefined();
  });

  test('not what was purged by hand: it is refused', async () => {
    const node = await Linked.open(startIn(newCluster()));
    await fill(node.start.cluster, 10, 10);
    await manager.streams.purge(streamOf(node.start.cluster, 0), { seq: 6 });
    node.link.hear({ is: 'begin', from: [3, 1] });
    expect(await node.untilRefused()).toBe(
      `this node wanted block 3 of the stream ${streamOf(node.start.cluster, 0)}, which begins at 6, and no snapshot reaches to there: the stream was purged by hand, and what it held is lost to this node; restore the stream, or make another cluster (--cluster-name)`,
    );
  });

  test('not what was purged while it had no room for it: it is refused', async () => {
    const node = await Linked.begun(startIn(newCluster()));
    node.isApplying = false;
    await fill(node.start.cluster, 2_048, 10);
    await node.untilRead(0, 2_048);
    await fill(node.start.cluster, 10, 10);
    await manager.streams.purge(streamOf(node.start.cluster, 0), { seq: 2_055 });
    node.apply();
    expect(await node.untilRefused()).toMatch(
      /^this node wanted block 2049 of the stream .*, which begins at 2055/,
    );
  });

  test('not from a stream that was made anew: it is refused', async () => {
    const node = await Linked.begun(startIn(newCluster()));
    await node.store(0, 'first');
    await node.untilRead(0, 1);
    const stream = streamOf(node.start.cluster, 0);
    const { config } = await manager.streams.info(stream);
    await manager.streams.delete(stream);
    await manager.streams.add(config);
    expect(await node.untilRefused()).toBe(
      `the stream ${stream} was deleted and made again; its blocks are lost, and this node can't go on with others: restore the stream, or make another cluster (--cluster-name)`,
    );
  });

  test.each([
    ['nothing', 0, 0, false],
    ['nothing, though one of its own was stored', 0, 1, true],
    ['what is still there', 3, 0, false],
  ])(
    'of a stream that has another time of its making, and of which it has read %s',
    async (_, blocks, stored, isRefused) => {
      const { cluster } = (await Linked.open(startIn(newCluster()))).start;
      const name = streamOf(cluster, 0);
      await fill(cluster, blocks, 10);
      let created = 'at first';
      const streams = {
        info: async () => ({ ...(await manager.streams.info(name)), created }),
        getMessage: (...of: Parameters<typeof manager.streams.getMessage>) =>
          manager.streams.getMessage(...of),
      };
      const known = { name, subject: subjectOf(cluster, 0), created, first: 1, last: 0 };
      let read = 0;
      let refused: Refusal | undefined;
      const intake = new Intake({
        nats: used.nats,
        manager: { ...manager, consumers: manager.consumers, streams } as unknown as JetStreamManager,
        streams: [known],
        from: [1],
        onRead: (_, { sequence }) => {
          read = sequence;
        },
        onBlocks: () => intake.applied([read]),
        onRefused: refusal => {
          refused = refusal;
        },
        onTrouble: () => {},
        snapshotAt: async () => undefined,
      });
      const consumerOf = async () => (await manager.consumers.list(name).next())[0]?.name;
      await until(async () => read === blocks && (await consumerOf()) !== undefined, 'what there is is read');
      if (stored > 0) intake.stored(0, stored);
      created = 'a moment later';
      await manager.consumers.delete(name, (await consumerOf())!);
      await until(() => intake.remade > 0 || refused !== undefined, 'it looks again');
      if (!isRefused) {
        await fill(cluster, 2, 10);
        await until(() => read === blocks + 2, 'what came behind is read');
      }
      expect(refused?.message.includes('was deleted and made again') ?? false).toBe(isRefused);
      intake.stop();
    },
  );

  test('not from a stream that was made anew with as many blocks: it is refused', async () => {
    const node = await Linked.begun(startIn(newCluster()));
    const stream = streamOf(node.start.cluster, 0);
    await fill(node.start.cluster, 3, 10);
    await node.untilRead(0, 3);
    const { config } = await manager.streams.info(stream);
    await manager.streams.delete(stream);
    await manager.streams.add(config);
    await fill(node.start.cluster, 3, 10);
    expect(await node.untilRefused()).toMatch(/ was deleted and made again; its blocks are lost/);
  });

  test('one by one, while there is no consumer, the same as from a consumer', async () => {
    const node = await Linked.begun(startIn(newCluster()));
    const texts = Array.from({ length: 30 }, (_, index) => `block ${index}`);
    for (const text of texts) await node.store(0, text);
    await node.untilRead(0, texts.length);
    const stream = streamOf(node.start.cluster, 0);
    for (const block of node.blocks[0]!) {
      const { sequence, timeMs, bytes, id } = (await readDirect(used.nats, stream, block.sequence))!;
      expect({ partition: 0, sequence, timeMs, bytes: Buffer.from(bytes) }).toEqual({
        ...block,
        bytes: Buffer.from(block.bytes),
      });
      expect(id()).toBe(`one.1.0.${sequence}`);
    }
    expect(await readDirect(used.nats, stream, texts.length + 1)).toBeUndefined();
  });

  test('on one by one, when its consumer goes and no other can be made', async () => {
    const node = await Linked.open(startIn(newCluster()));
    const stream = streamOf(node.start.cluster, 0);
    let made = 0;
    const consumers = {
      add: (...of: Parameters<typeof manager.consumers.add>) => {
        made += 1;
        return made === 1 ? manager.consumers.add(...of) : new Promise<never>(() => {});
      },
      delete: async () => true,
    };
    const read: number[] = [];
    const reader = readerOf(node.start.cluster, read, { messagesMax: 8, bytesMax: 100_000, consumers });
    await fill(node.start.cluster, 3, 10);
    await until(() => read.length === 3, 'what there is is read');
    const [consumer] = await manager.consumers.list(stream).next();
    await manager.consumers.delete(stream, consumer!.name);
    await until(() => made === 2, 'another one is wanted');
    await fill(node.start.cluster, 10, 10);
    await until(() => read.length === 8, 'as many as it may are read');
    await new Promise(resolve => setTimeout(resolve, 100));
    expect(read).toHaveLength(8);
    reader.release(8, 80);
    await until(() => read.length === 13, 'all are read');
    reader.stop();
    expect(read).toEqual(Array.from({ length: 13 }, (_, index) => index + 1));
  });

  test('what its consumer does not bring, though that says that all is well', async () => {
    const node = await Linked.open(startIn(newCluster()));
    await fill(node.start.cluster, 30, 10);
    let made = 0;
    const consumers = {
      ...manager.consumers,
      add: (...[name, config]: Parameters<typeof manager.consumers.add>) => {
        made += 1;
        if (made > 1) return manager.consumers.add(name, config);
        // It lacks what is there: as on a server whose copy is behind, until more comes.
        const { opt_start_seq: _, ...others } = config;
        return manager.consumers.add(name, { ...others, deliver_policy: DeliverPolicy.New });
      },
      delete: async () => true,
    };
    const read: number[] = [];
    const reader = readerOf(node.start.cluster, read, { messagesMax: 100, bytesMax: 100_000, consumers });
    await until(() => read.length === 30, 'all are read');
    await until(() => made === 2, 'it is given up');
    await fill(node.start.cluster, 3, 10);
    reader.stored(33);
    await until(() => read.length === 33, 'what came behind is read');
    reader.stop();
    expect(read).toEqual(Array.from({ length: 33 }, (_, index) => index + 1));
  });

  test('on with the same consumer, when a pull was lost on its way', async () => {
    const node = await Linked.open(startIn(newCluster()));
    await fill(node.start.cluster, 3, 10);
    let pulls = 0;
    const nats: NatsConnection = Object.assign(Object.create(used.nats) as NatsConnection, {
      publish: (...[subject, body, options]: Parameters<NatsConnection['publish']>) => {
        if (options?.reply?.endsWith('.pull')) pulls += 1;
        if (pulls !== 1) used.nats.publish(subject, body, options);
      },
      // It would bring them, too.
      request: () => new Promise<never>(() => {}),
    });
    const read: number[] = [];
    const reader = readerOf(node.start.cluster, read, { messagesMax: 8, bytesMax: 100_000, nats });
    await until(() => pulls === 1, 'it pulls');
    // The question has another subject; it goes through when this is passed.
    await new Promise(resolve => setTimeout(resolve, 100));
    pulls += 1;
    await until(() => read.length === 3, 'all are read');
    expect(reader.made).toBe(1);
    reader.stop();
  });

  test('what is larger than all that it may have at a time, alone', async () => {
    const node = await Linked.open(startIn(newCluster()));
    await fill(node.start.cluster, 3, 5_000);
    const read: number[] = [];
    const reader = readerOf(node.start.cluster, read, { messagesMax: 10, bytesMax: 1_000 });
    for (let count = 1; count <= 3; count++) {
      await until(() => read.length === count, `${count} are read`);
      await new Promise(resolve => setTimeout(resolve, 50));
      expect(read).toHaveLength(count);
      reader.release(1, 5_000);
    }
    reader.stop();
    expect(read).toEqual([1, 2, 3]);
  });
});

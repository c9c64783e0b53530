/** What a cluster keeps in NATS beside its streams: who has which name, and snapshots. */
import { jetstreamManager } from '@nats-io/jetstream';
import { describe, expect, test } from 'vitest';
import { Bucket } from '../../src/cluster/bucket.ts';
import { agreeOn } from '../../src/cluster/constitution.ts';
import { nodeKey, snapshotsOf, streamOf, subjectOf } from '../../src/cluster/names.ts';
import { type Holder, NodeName } from '../../src/cluster/node-name.ts';
import { Snapshots } from '../../src/cluster/snapshots.ts';
import { openStreams } from '../../src/cluster/streams.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { Linked, linkStart, newCluster } from './linked.ts';
import { isNatsMissing, useNats } from './nats.ts';

describe.skipIf(isNatsMissing)('a cluster keeps', { concurrent: true }, () => {
  const used = useNats({ count: 1 });
  const startIn = (cluster: string) => linkStart(used.servers.urls, { cluster, replicas: 1 });
  const openBucket = (cluster: string) => Bucket.open(used.nats, cluster, 1);
  /** Looks more often than nodes do. */
  const claim = async (bucket: Bucket, onLost = (_: Error) => {}) => {
    const waited: string[] = [];
    const name = await NodeName.claim(
      bucket,
      'shop',
      '1.0',
      { onWait: why => waited.push(why), onLost },
      200,
    );
    return { name, waited };
  };

  test('what is the same for all, as it was drawn by one of two that drew it at once', async () => {
    const start = startIn(newCluster());
    const bucket = await openBucket(start.cluster);
    let waiting = 0;
    // Both have seen that there is nothing yet, before one writes.
    const hasBlocks = async () => {
      waiting += 1;
      await until(() => waiting >= 2, 'both are there');
      return false;
    };
    const agreed = await Promise.all([agreeOn(bucket, start, hasBlocks), agreeOn(bucket, start, hasBlocks)]);
    expect(agreed.map(({ isFirst }) => isFirst).toSorted()).toEqual([false, true]);
    expect(agreed[0].constitution).toEqual(agreed[1].constitution);
  });

  test('a name for one node at a time, and counts its starts', async () => {
    const start = startIn(newCluster());
    const first = await Linked.open(start);
    expect(first.opened!.epoch).toBe(1);
    const second = await Linked.open(start);
    expect(second.refused).toMatch(
      new RegExp(
        `^a node named 'one' is running already \\(process ${process.pid} on \\S+, since \\S+Z\\); give this one another --node, or stop that one$`,
      ),
    );
    expect(second.links).toEqual([
      { is: 'link', isUp: false, reason: expect.stringMatching(/^the name 'one' was held by process/) },
    ]);
    await first.stop();
    const startMs = performance.now();
    const third = await Linked.open(start);
    expect(third.opened!.epoch).toBe(2);
    expect(performance.now() - startMs).toBeLessThan(3_000);
  });

  test('a name that is free again when its holder has died, for one of those who wait', async () => {
    const bucket = await openBucket(newCluster());
    const dead: Holder = {
      ...{ instance: 'gone', epoch: 4, pid: 1, host: 'nowhere', version: '1.0', sinceMs: 0 },
      hasEnded: false,
    };
    await bucket.set(nodeKey('shop'), dead, undefined);
    const startMs = performance.now();
    const claims = await Promise.allSettled([claim(bucket), claim(bucket)]);
    const tookMs = performance.now() - startMs;
    const [winner] = claims.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []));
    const losers = claims.flatMap(each => (each.status === 'rejected' ? [each.reason] : []));
    expect(winner!.name.epoch).toBe(5);
    expect(losers.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^a node named 'shop' is running already/),
    ]);
    expect(tookMs).toBeGreaterThan(2_000);
    expect(tookMs).toBeLessThan(8_000);
    await winner!.name.release();
  });

  test('a name that was lost while its holder was away', async () => {
    const bucket = await openBucket(newCluster());
    let lost = '';
    const { name } = await claim(bucket, ({ message }) => {
      lost = message;
    });
    const entry = await bucket.get<Holder>(nodeKey('shop'));
    const other = { ...entry!.value!, instance: 'other', pid: 77, host: 'elsewhere' };
    await bucket.set(nodeKey('shop'), other, entry!.revision);
    await new Promise(resolve => setTimeout(resolve, 2_500));
    expect(lost).toMatch(
      /^this node could not reach NATS for too long, and its name was taken by process 77 on elsewhere/,
    );
    // It is not ours to give back.
    await name.release();
    expect((await bucket.get<Holder>(nodeKey('shop')))!.value).toEqual(other);
  });

  test('an epoch that never was, where the key of a node was deleted by hand', async () => {
    const bucket = await openBucket(newCluster());
    for (const epoch of [1, 2]) {
      const { name } = await claim(bucket);
      expect(name.epoch).toBe(epoch);
      await name.release();
    }
    await bucket.remove(nodeKey('shop'));
    const { name } = await claim(bucket);
    expect(name.epoch).toBeGreaterThan(2);
    await name.release();
  });

  /** With an empty stream for each of two partitions. */
  async function openSnapshots(): Promise<{
    snapshots: Snapshots;
    cluster: string;
    pieces(): Promise<number>;
  }> {
    const cluster = newCluster();
    const manager = await jetstreamManager(used.nats);
    const wanted = { cluster, partitions: 2, replicas: 1, blockBytesMax: 1_000, isFirst: true };
    await openStreams(manager, wanted);
    const bucket = await openBucket(cluster);
    const snapshots = await Snapshots.open(used.nats, manager, bucket, { cluster, replicas: 1 });
    const pieces = async () => {
      const { state } = await manager.streams.info(`OBJ_${snapshotsOf(cluster)}`, {
        subjects_filter: '$O.*.C.>',
      });
      return Object.keys(state.subjects ?? {}).length;
    };
    return { snapshots, cluster, pieces };
  }

  test('the last two snapshots, of which the newest is read; none that is behind another', async () => {
    const { snapshots, pieces } = await openSnapshots();
    expect(await snapshots.read()).toBeUndefined();
    // Longer than a piece.
    const bytesOf = (fill: number) => Buffer.alloc(300_000, fill);
    for (let round = 1; round <= 4; round++) {
      expect(await snapshots.write(bytesOf(round), [round, 5], 'one')).toBe(true);
      const { place, bytes } = (await snapshots.read())!;
      expect(place).toMatchObject({ sequences: [round, 5], node: 'one', bytes: 300_000 });
      expect(Buffer.compare(bytes, bytesOf(round))).toBe(0);
      expect(await pieces()).toBe(Math.min(round, 2));
    }
    expect(await snapshots.write(bytesOf(9), [4, 5], 'one')).toBe(false);
    expect(await snapshots.write(bytesOf(9), [5, 4], 'one')).toBe(false);
    expect((await snapshots.places())!.before!.sequences).toEqual([3, 5]);
    expect(await pieces()).toBe(2);
  });

  test('one snapshot of two that are written at once, and nothing of the other', async () => {
    const { snapshots, pieces } = await openSnapshots();
    expect(await snapshots.write(Buffer.from('start'), [1, 1], 'one')).toBe(true);
    const written = await Promise.all(
      ['one', 'two'].map(node => snapshots.write(Buffer.from(node), [9, 9], node)),
    );
    expect(written.toSorted()).toEqual([false, true]);
    const winner = ['one', 'two'][written.indexOf(true)]!;
    expect(Buffer.from((await snapshots.read())!.bytes).toString()).toBe(winner);
    expect(await pieces()).toBe(2);
  });

  test('nothing of a snapshot whose writer has died', async () => {
    const { snapshots, cluster, pieces } = await openSnapshots();
    await used.nats.request(`$O.${snapshotsOf(cluster)}.C.leftover`, 'half of a snapshot');
    expect(await pieces()).toBe(1);
    await snapshots.write(Buffer.from('whole'), [1, 1], 'one');
    expect(await pieces()).toBe(1);
    expect(Buffer.from((await snapshots.read())!.bytes).toString()).toBe('whole');
  });

  test('blocks from the older one of two snapshots on; who is behind that is sent to the newest', async () => {
    const { snapshots, cluster } = await openSnapshots();
    const first = await Linked.open(startIn(cluster));
    expect(first.opened).toBeDefined();
    await first.stop();
    const manager = await jetstreamManager(used.nats);
    const firsts = async () =>
      Promise.all(
        [0, 1].map(async each => (await manager.streams.info(streamOf(cluster, each))).state.first_seq),
      );
    for (let block = 0; block < 10; block++)
      for (const partition of [0, 1]) await used.nats.request(subjectOf(cluster, partition), 'block');
    await snapshots.write(Buffer.from('older'), [4, 6], 'one');
    expect(await snapshots.purge()).toBe(0);
    await snapshots.write(Buffer.from('newer'), [8, 8], 'one');
    expect(await snapshots.purge()).toBe(10);
    expect(await firsts()).toEqual([5, 7]);
    const node = await Linked.begun(startIn(cluster), [5, 6]);
    expect(Buffer.from(node.opened!.snapshot!).toString()).toBe('newer');
    expect(node.opened!.ends).toEqual([10, 10]);
    expect(await node.untilRefused()).toBe(
      `this node wanted block 6 of the stream ${streamOf(cluster, 1)}, which begins at 7: it fell behind what the stream keeps; start it again, and it takes the newest snapshot`,
    );
  });
});

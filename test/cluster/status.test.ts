/** `tally cluster status`, of a cluster in a real server of NATS. */
import { jetstreamManager } from '@nats-io/jetstream';
import { describe, expect, test } from 'vitest';
import { Bucket } from '../../src/cluster/bucket.ts';
import { problemsOf } from '../../src/cluster/cli/looking.ts';
import { nodeKey, streamOf } from '../../src/cluster/names.ts';
import type { Holder } from '../../src/cluster/node-name.ts';
import { Snapshots } from '../../src/cluster/snapshots.ts';
import { runCli } from '../support/server.ts';
import { Linked, linkStart, newCluster } from './linked.ts';
import { isNatsMissing, useNats } from './nats.ts';

const status = (...args: string[]) => runCli(['cluster', 'status', ...args]);

describe.skipIf(isNatsMissing)('tally cluster status', { concurrent: true }, () => {
  const used = useNats({ count: 1 });

  test('says which nodes run, what the streams hold, and how old the snapshot is', async () => {
    const cluster = newCluster();
    const start = (node: string) => linkStart(used.servers.urls, { cluster, replicas: 1, node });
    const running = await Linked.begun(start('running'));
    await (await Linked.begun(start('ended'))).stop();
    for (const text of ['a', 'b', 'c']) await running.store(0, text);
    await running.untilRead(0, 3);
    const bucket = await Bucket.open(used.nats, cluster, 1);
    const where = ['--cluster', used.servers.urls[0]!, '--cluster-name', cluster];
    const well = await status(...where);
    expect(well.exitCode).toBe(0);
    const lines = well.stdout.split('\n');
    expect(lines[0]).toBe(
      `cluster ${cluster}: 2 partitions, 1,000 users, 1,000 ids for 1 m, format ${running.opened!.constitution.version}`,
    );
    expect(lines[3]).toMatch(/^ended +ended for \S+ m?s +1 {2}\d+ on \S+ +test +20\d\d-\S+Z$/);
    expect(lines[4]).toMatch(/^running +running +1 {2}\d+ on \S+ +test +20\d\d-\S+Z$/);
    expect(lines[7]).toMatch(new RegExp(`^${streamOf(cluster, 0)} +n1 +1 of 1 +3 +\\d+ +1 +3$`));
    expect(lines.at(-2)).toBe('snapshot: none yet; 3 blocks');

    const manager = await jetstreamManager(used.nats);
    const snapshots = await Snapshots.open(used.nats, manager, bucket, { cluster, replicas: 1 });
    await snapshots.write(Buffer.from('state'), [2, 0], 'running');
    const holder = (await bucket.get<Holder>(nodeKey('running')))!.value!;
    await bucket.set(nodeKey('silent'), { ...holder, instance: 'gone', epoch: 7 }, undefined);
    const wrong = await status(...where, '--json');
    expect(wrong.exitCode).toBe(1);
    const seen = JSON.parse(wrong.stdout);
    expect(seen).toMatchObject({
      cluster,
      constitution: { partitions: 2, users: 1_000 },
      nodes: [
        { name: 'ended', state: 'ended', epoch: 1 },
        { name: 'running', state: 'running', epoch: 1 },
        { name: 'silent', state: 'silent', epoch: 7 },
      ],
      streams: [{ leader: 'n1', replicas: 1, current: 1, blocks: 3, first: 1, last: 3 }, { blocks: 0 }],
      snapshot: { bytes: 5, node: 'running', sequences: [2, 0], behind: 1 },
      problems: ['the node silent is silent, and has not ended'],
    });
    expect(seen.snapshot.age_ms).toBeLessThan(10_000);
    expect(wrong.stdout).not.toContain(running.opened!.constitution.hashSeed);
  });

  test('says that there is no such cluster, or no NATS', async () => {
    const none = await status('--cluster', used.servers.urls[0]!, '--cluster-name', 'none');
    expect(none).toMatchObject({ exitCode: 1, stdout: '' });
    expect(none.stderr).toBe(
      "tally cluster status: there is no cluster 'none' in this NATS (it has no bucket none_nodes); tally serve --cluster makes one, --cluster-name says which is meant\n",
    );
  });
});

test.each([
  [['--cluster', 'http://a'], '--cluster http://a is no list of nats://HOST:PORT, with commas between them'],
  [
    ['--cluster', 'nats://a', '--cluster-name', 'A'],
    '--cluster-name A is no name of a cluster: a small letter, then',
  ],
  [['--cluster', 'nats://a', '--cluster-cert', 'x'], '--cluster-cert and --cluster-key belong together'],
  [['--cluster', 'nats://a', '--cluster-creds', 'missing'], '--cluster-creds missing: ENOENT'],
  [['more', '--cluster', 'nats://a'], 'more is one word too many'],
])('tally cluster status %j: %s', async (args, said) => {
  const { exitCode, stderr } = await status(...args);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(`tally cluster status: ${said}`);
});

test('a stream without a leader, and one whose replicas are behind, are problems', () => {
  const stream = { leader: 'n1', replicas: 3, current: 3, blocks: 1, bytes: 1, first: 1, last: 1 };
  const seen = {
    ...{ name: 'shop', constitution: {} as never, nodes: [], newest: undefined, behind: 0 },
    streams: [
      { ...stream, name: 'P0' },
      { ...stream, name: 'P1', leader: undefined },
      { ...stream, name: 'P2', current: 1 },
    ],
  };
  expect(problemsOf(seen)).toEqual([
    'the stream P1 has no leader: nothing is stored in it',
    '2 of 3 replicas of P2 are behind',
  ]);
});

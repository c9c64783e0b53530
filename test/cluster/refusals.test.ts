/** What a node says when it can't be one: a line that names what is wrong, and what to do. Over real servers. */
import { readFileSync } from 'node:fs';
import { jetstreamManager, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { describe, expect, test } from 'vitest';
import { openConnection } from '../../src/cluster/connection.ts';
import type { LinkStart, NatsCredentials } from '../../src/cluster/link-options.ts';
import { streamOf } from '../../src/cluster/names.ts';
import { Refusal } from '../../src/cluster/refusal.ts';
import { NatsServers } from '../../src/tools/cluster/nats-servers.ts';
import { freePort } from '../../src/tools/harness/server.ts';
import { Authority } from '../support/certificates.ts';
import { operatorWithUser } from './jwt.ts';
import { Linked, linkStart, newCluster } from './linked.ts';
import { isNatsMissing, useNats } from './nats.ts';

/** Of a server of its own, with these lines of configuration. */
async function refusalAt(more: string, start: Partial<LinkStart> = {}, hasJetStream = true): Promise<string> {
  const servers = await NatsServers.start({ count: 1, more, hasJetStream });
  try {
    const linked = await Linked.open(linkStart(servers.urls, { replicas: 1, ...start }));
    return await linked.untilRefused();
  } finally {
    await servers.stop();
  }
}

describe.skipIf(isNatsMissing)('a node is refused', { concurrent: true }, () => {
  const used = useNats({ count: 1 });
  const startIn = (cluster: string, more: Partial<LinkStart> = {}) =>
    linkStart(used.servers.urls, { cluster, replicas: 1, ...more });

  test('where no server is', async () => {
    const address = `nats://127.0.0.1:${await freePort()}`;
    await expect(openConnection(linkStart([address, address]), 300)).rejects.toThrow(
      `no nats-server at ${address}, ${address} within 0.3 s: connection refused; is it running, and is the address right?`,
    );
  });

  test('where it is not let in, or has another password', async () => {
    const lines = 'authorization { user: tally, password: right }';
    const said =
      /^NATS at nats:\/\/\S+ does not let us in: .*authorization violation.*; see --cluster-creds$/i;
    expect(await refusalAt(lines)).toMatch(said);
    expect(await refusalAt(lines, { credentials: { user: 'tally', password: 'wrong' } })).toMatch(said);
  });

  test('where a certificate is not what is wanted, of the server or its own; let in with the right ones', async () => {
    const [authority, stranger] = [new Authority(), new Authority('strangers')];
    const [server, own, wrong] = [authority.issue('nats'), authority.issue('node'), stranger.issue('node')];
    const more = `tls { cert_file: "${server.cert}", key_file: "${server.key}", ca_file: "${authority.ca}", verify: true }`;
    const servers = await NatsServers.start({ count: 1, more });
    const text = (path: string) => readFileSync(path, 'utf8');
    const open = (credentials: NatsCredentials) =>
      openConnection(
        linkStart(
          servers.urls.map(url => url.replace('nats:', 'tls:')),
          { credentials },
        ),
        300,
      );
    try {
      const ca = text(authority.ca);
      const withOwn = { cert: text(own.cert), key: text(own.key) };
      await expect(open({ isTls: true, ca: text(stranger.ca), ...withOwn })).rejects.toThrow(
        /^no connection to NATS at tls:\S+: .*; --cluster-ca says whose certificates are trusted$/,
      );
      await expect(open({ ca })).rejects.toThrow(/no nats-server at|no connection to NATS at/);
      await expect(open({ ca, cert: text(wrong.cert), key: text(wrong.key) })).rejects.toThrow(Refusal);
      const nats = await open({ ca, ...withOwn });
      expect(nats.info!.tls_verify).toBe(true);
      await nats.close();
    } finally {
      await servers.stop();
    }
  });

  test('with credentials that the operator of NATS did not give; let in with those that it gave', async () => {
    const { lines, creds } = operatorWithUser();
    const servers = await NatsServers.start({ count: 1, more: lines, hasJetStream: false });
    const open = (credentials: NatsCredentials) =>
      openConnection(linkStart(servers.urls, { credentials }), 300);
    try {
      await expect(open({ creds: operatorWithUser().creds })).rejects.toThrow(/does not let us in/);
      const nats = await open({ creds });
      await nats.flush();
      await nats.close();
    } finally {
      await servers.stop();
    }
  });

  test('where JetStream is off, or off for the account', async () => {
    expect(await refusalAt('', {}, false)).toBe(
      "can't use JetStream: JetStream is not enabled on the nats-server, or has no leader; start it with -js, or with jetstream { store_dir: … } in its configuration",
    );
    const account = 'accounts { SHOP { users: [{ user: a, password: b }] } }';
    expect(await refusalAt(account, { credentials: { user: 'a', password: 'b' } })).toBe(
      "can't use JetStream: JetStream is not enabled for this account; add jetstream: enabled to it in the configuration of nats-server",
    );
  });

  test('where there are fewer servers than replicas', async () => {
    expect(await refusalAt('', { replicas: 3 })).toBe(
      "can't make the bucket for its nodes: 3 replicas were asked for, and this nats-server is no cluster; connect it with 2 more, or give --cluster-replicas 1",
    );
  });

  test('where messages may not be as long as a block', async () => {
    expect(await refusalAt('max_payload: 32768')).toBe(
      'the nats-server takes messages of 32768 bytes at most, and 66560 are needed; raise max_payload in its configuration',
    );
  });

  test('where the account may not have that many streams', async () => {
    const account =
      'accounts { SHOP { jetstream { max_mem: 1M, max_file: 1G, max_streams: 3 }, users: [{ user: a, password: b }] } }';
    expect(await refusalAt(account, { credentials: { user: 'a', password: 'b' } })).toMatch(
      /^can't make the (?:stream|object store)\b.*: the account may have no more streams \(.+\); raise its limit$/,
    );
  });

  test('with other settings than the cluster, if it was given them', async () => {
    const start = startIn(newCluster());
    const { cluster, wanted } = start;
    await (await Linked.open(start)).stop();
    const refusal = async (given: string[], more: Partial<LinkStart>) =>
      (await Linked.open({ ...start, given, ...more })).untilRefused();
    expect(await refusal(['users'], { wanted: { ...wanted, users: 2_000 } })).toBe(
      `the cluster '${cluster}' was made with --users 1000, and this node has --users 2000; give it --users 1000, or make another cluster (--cluster-name)`,
    );
    expect(await refusal(['idsMs'], { wanted: { ...wanted, idsMs: 1 } })).toContain('--ids-ms 60000');
    expect(await refusal(['clusterReplicas'], { replicas: 3 })).toContain(
      `the cluster '${cluster}' was made with --cluster-replicas 1, and this node has --cluster-replicas 3;`,
    );
    expect(await refusal([], { wanted: { ...wanted, version: 2 } })).toBe(
      `the cluster '${cluster}' is of format 1, and this Tally writes format 2; run the version of Tally that the other nodes run`,
    );
    const other = await Linked.open({
      ...start,
      replicas: 3,
      wanted: { ...wanted, partitions: 4, users: 7 },
    });
    expect(other.opened!.constitution).toMatchObject({ partitions: 2, users: 1_000 });
  });

  test.each<[string, Partial<StreamConfig>, RegExp]>([
    [
      'for something else',
      { subjects: ['orders'] },
      /stores orders, and not \S+\.p\.0; it belongs to something else/,
    ],
    ['in memory', { storage: StorageType.Memory }, /is in memory, and would be lost with its servers/],
    [
      'for one reader',
      { retention: RetentionPolicy.Workqueue },
      /only until they are read \(retention workqueue\)/,
    ],
    ['by age', { max_age: 1e12 }, /drops blocks by their age; lift it \(nats stream edit \S+ --max-age=-1\)/],
    ['of a limited number', { max_msgs: 10 }, /drops old blocks when it is full; let it refuse new ones/],
    ['of the last ones only', { max_msgs_per_subject: 1 }, /keeps 1 blocks only; lift it/],
    ['of short messages', { max_msg_size: 100 }, /takes blocks of 100 bytes at most; lift it/],
    ['that forgets repeats', { duplicate_window: 1e9 }, /finds repeats within 1 s only; raise it/],
  ])('where a stream is there already: %s', async (_, config, said) => {
    const cluster = newCluster();
    const nats = await connect({ servers: used.servers.urls });
    const manager = await jetstreamManager(nats);
    const [name, subjects] = [streamOf(cluster, 0), [`${cluster}.p.0`]];
    await manager.streams.add({ name, subjects, duplicate_window: 120e9, ...config });
    await nats.close();
    const refusal = await (await Linked.open(startIn(cluster))).untilRefused();
    expect(refusal).toMatch(said);
    expect(refusal).toContain(`the stream ${name} `);
  });
});

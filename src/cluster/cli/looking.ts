/**
 * What is to be seen of a cluster in NATS: nodes, streams, snapshots. Nothing is made or changed.
 *
 * Clocks of machines are not compared: whether a node lives is seen by its renewing its key while we look, and ages are
 * differences of times that NATS has given.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type JetStreamManager, jetstreamManager, type StreamInfo } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { Bucket, type Entry } from '../bucket.ts';
import type { Constitution } from '../messages.ts';
import { bucketOf, CONSTITUTION_KEY, nodeKey, nodeOfKey, SNAPSHOT_KEY, streamOf } from '../names.ts';
import { type Holder, RENEWAL_MS } from '../node-name.ts';
import { patiently } from '../patience.ts';
import { isNoStream, Refusal, refusalOf } from '../refusal.ts';
import type { SnapshotPlace, SnapshotPlaces } from '../snapshots.ts';

export interface NodeSeen {
  readonly name: string;
  /** `silent`: it has neither renewed its key nor ended. */
  readonly state: 'running' | 'ended' | 'silent';
  readonly epoch: number;
  readonly pid: number;
  readonly host: string;
  readonly version: string;
  /** By its own clock, ms since 1970. */
  readonly sinceMs: number;
  /** How long its key has not changed, at least. */
  readonly quietMs: number;
}

export interface StreamSeen {
  readonly name: string;
  /** The server's name; undefined: it has none, or does not answer. */
  readonly leader: string | undefined;
  readonly replicas: number;
  /** Of these, how many are up to date, the leader included. */
  readonly current: number;
  readonly blocks: number;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

export interface ClusterSeen {
  readonly name: string;
  readonly constitution: Constitution;
  readonly nodes: readonly NodeSeen[];
  readonly streams: readonly StreamSeen[];
  readonly newest: (SnapshotPlace & { readonly ageMs: number }) | undefined;
  /** Blocks that are behind the newest snapshot. */
  readonly behind: number;
}

/** An election of leaders takes less. */
const PATIENCE_MS = 12_000;
const REQUEST_MS_MAX = 3_000;
const LOOK_MS = 250;
/** A living node renews its key in this time, even if it was a little late. */
const LOOKING_MS = 1.5 * RENEWAL_MS;

/** Throws a `Refusal` where there is no such cluster, or where NATS can't tell. */
export async function lookAtCluster(nats: NatsConnection, cluster: string): Promise<ClusterSeen> {
  try {
    const manager = await jetstreamManager(nats, { timeout: REQUEST_MS_MAX, checkAPI: false });
    const bucket = await patiently(() => Bucket.find(nats, manager, cluster), PATIENCE_MS);
    const constitution = (await bucket?.get<Constitution>(CONSTITUTION_KEY))?.value;
    if (bucket === undefined || constitution === undefined)
      throw new Refusal(
        `there is no cluster '${cluster}' in this NATS (it has no bucket ${bucketOf(cluster)}); tally serve --cluster makes one, --cluster-name says which is meant`,
      );
    const [streams, { nodes, nowMs }, snapshot] = await Promise.all([
      lookAtStreams(nats, manager, cluster, constitution.partitions),
      lookAtNodes(bucket),
      bucket.get<SnapshotPlaces>(SNAPSHOT_KEY),
    ]);
    const newest = snapshot?.value?.newest;
    return {
      ...{ name: cluster, constitution, nodes, streams },
      newest:
        newest === undefined ? undefined : { ...newest, ageMs: Math.max(0, nowMs - snapshot!.createdMs) },
      behind: streams.reduce((sum, { last }, partition) => {
        return sum + Math.max(0, last - (newest?.sequences[partition] ?? 0));
      }, 0),
    };
  } catch (error) {
    throw refusalOf(error, `look at the cluster '${cluster}'`, 1);
  }
}

/** What is not as it should be, a line each. */
export function problemsOf({ nodes, streams }: ClusterSeen): string[] {
  return [
    ...nodes.flatMap(({ name, state }) =>
      state === 'silent' ? [`the node ${name} is silent, and has not ended`] : [],
    ),
    ...streams.flatMap(({ name, leader, replicas, current }) => {
      if (leader === undefined) return [`the stream ${name} has no leader: nothing is stored in it`];
      return current < replicas
        ? [`${replicas - current} of ${replicas} replicas of ${name} are behind`]
        : [];
    }),
  ];
}

async function lookAtStreams(
  nats: NatsConnection,
  manager: JetStreamManager,
  cluster: string,
  partitions: number,
): Promise<StreamSeen[]> {
  const names = Array.from({ length: partitions }, (_, partition) => streamOf(cluster, partition));
  return Promise.all(
    names.map(async name => {
      try {
        return seenIn(await manager.streams.info(name), nats.info!.server_name);
      } catch (error) {
        if (isNoStream(error)) throw new Refusal(`the stream ${name} is missing`);
        // Nobody answers for it.
        return {
          ...{ name, leader: undefined, replicas: 0, current: 0, blocks: 0 },
          bytes: 0,
          first: 0,
          last: 0,
        };
      }
    }),
  );
}

function seenIn({ config, state, cluster }: StreamInfo, asked: string): StreamSeen {
  const followers = cluster?.replicas ?? [];
  return {
    name: config.name,
    // A server that is no cluster leads what it has.
    leader: cluster === undefined ? asked : cluster.leader,
    replicas: config.num_replicas,
    current: 1 + followers.filter(({ current, offline }) => current && offline !== true).length,
    blocks: state.messages,
    bytes: state.bytes,
    first: state.first_seq,
    last: state.last_seq,
  };
}

type NodeEntries = Map<string, Entry<Holder>>;

/** `nowMs`: NATS's time, as far as a living node has shown it; else ours. */
async function lookAtNodes(bucket: Bucket): Promise<{ nodes: NodeSeen[]; nowMs: number }> {
  const names = (await bucket.keys()).flatMap(key => nodeOfKey(key) ?? []).sort();
  const read = async (): Promise<NodeEntries> => {
    const entries: NodeEntries = new Map();
    for (const name of names) {
      const entry = await bucket.get<Holder>(nodeKey(name));
      if (entry?.value !== undefined) entries.set(name, entry);
    }
    return entries;
  };
  const before = await patiently(read, PATIENCE_MS);
  const endMs = performance.now() + LOOKING_MS;
  let now = before;
  const isQuiet = (name: string) =>
    !now.get(name)!.value!.hasEnded && now.get(name)!.revision === before.get(name)?.revision;
  while ([...now.keys()].some(isQuiet) && performance.now() < endMs) {
    await sleep(LOOK_MS);
    now = await patiently(read, PATIENCE_MS);
  }
  const isShown = [...now.values()].some(({ revision }) =>
    [...before.values()].every(each => each.revision !== revision),
  );
  const nowMs = isShown ? Math.max(...[...now.values()].map(({ createdMs }) => createdMs)) : Date.now();
  const nodes = [...now].map(([name, { value, createdMs }]): NodeSeen => {
    const { epoch, pid, host, version, sinceMs, hasEnded } = value!;
    const state = hasEnded ? 'ended' : isQuiet(name) ? 'silent' : 'running';
    return {
      ...{ name, state, epoch, pid, host, version, sinceMs },
      quietMs: Math.max(0, nowMs - createdMs),
    };
  });
  return { nodes, nowMs };
}

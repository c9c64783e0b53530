/** How all that a cluster keeps in NATS is named, and which names a cluster and a node may have. */

/** As it goes into names of streams in capitals, too, small letters only. */
const CLUSTER_NAME = /^[a-z][a-z0-9_-]{0,30}$/;
/** It is part of keys and of the ids of messages, between dots. */
const NODE_NAME = /^[A-Za-z0-9_-]{1,64}$/;

export const NODE_NAME_RULE = 'letters, digits, - and _, at most 64';
export const CLUSTER_NAME_RULE = 'a small letter, then small letters, digits, - and _, at most 31';

export function isClusterName(name: string): boolean {
  return CLUSTER_NAME.test(name);
}

export function isNodeName(name: string): boolean {
  return NODE_NAME.test(name);
}

/** The stream of a partition. */
export function streamOf(cluster: string, partition: number): string {
  return `${cluster.toUpperCase()}_P${partition}`;
}

/** Where the blocks of a partition are published. */
export function subjectOf(cluster: string, partition: number): string {
  return `${cluster}.p.${partition}`;
}

/** What JetStream tells when a stream has a new leader. */
export function leaderElected(stream: string): string {
  return `$JS.EVENT.ADVISORY.STREAM.LEADER_ELECTED.${stream}`;
}

/** The key-value bucket: nodes, what is the same for all, which snapshot is the newest. */
export function bucketOf(cluster: string): string {
  return `${cluster}_nodes`;
}

/** The object store. */
export function snapshotsOf(cluster: string): string {
  return `${cluster}_snapshots`;
}

/** Keys of the bucket. */
export const CONSTITUTION_KEY = 'constitution';
export const SNAPSHOT_KEY = 'snapshot';
/** Who makes the next snapshot. */
export const DUTY_KEY = 'snapshot-duty';
const NODE_PREFIX = 'node.';

export function nodeKey(node: string): string {
  return `${NODE_PREFIX}${node}`;
}

/** Written by who wants the name of another: while it can be written, so can that one's own key. */
export function claimKey(node: string): string {
  return `claim.${node}`;
}

/** The node that a key is of; undefined: it is another key. */
export function nodeOfKey(key: string): string | undefined {
  return key.startsWith(NODE_PREFIX) ? key.slice(NODE_PREFIX.length) : undefined;
}

/** What a block's message is known by, so that sending it again does not store it again. */
export function blockId(node: string, epoch: number, partition: number, number: number): string {
  return `${node}.${epoch}.${partition}.${number}`;
}

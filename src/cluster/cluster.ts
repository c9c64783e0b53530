/**
 * The cluster, as a server sees it: starts the thread that speaks to NATS, makes the node, and keeps the two together.
 * Loaded only with `--cluster`.
 */
import type { Worker } from 'node:worker_threads';
import { natsServersOf } from '../config/nats-servers.ts';
import type { Settings } from '../config/settings.ts';
import type { HashSeed } from '../protocol/hash.ts';
import { createThread } from '../threads/thread.ts';
import { FORMAT_VERSION } from './block.ts';
import { hashSeedOf } from './constitution.ts';
import { readNatsCredentials } from './credentials.ts';
import { ACK_MS_BOUNDS } from './figures.ts';
import type { LinkStart } from './link-options.ts';
import { BLOCK_BYTES_MAX, Machine } from './machine.ts';
import type { FromLink, LinkFigures, ToLink } from './messages.ts';
import { ClusterNode, type Link } from './node.ts';
import { load } from './state.ts';

/** The node can't be one of this cluster, or can't go on: one line for people. */
export class ClusterError extends Error {}

type Opened = Extract<FromLink, { is: 'opened' }>;

/** Is told how far a node is behind the streams, while it starts. */
export interface CatchUpProgress {
  caughtUp(blocks: number, of: number): void;
}

export class Cluster implements Link {
  readonly opened: Opened;
  readonly startMs: number;
  readonly #thread: Worker;
  readonly #settings: Settings;
  readonly #ended: Promise<void>;
  #node: ClusterNode | undefined;
  #figures: LinkFigures | undefined;
  #failure: string | undefined;
  #isStopping = false;
  #onFailed: (reason: string) => void = () => {};
  #onLink: (isUp: boolean, reason: string) => void = () => {};
  #onBlocks: () => void = () => {};
  #onWarning: (reason: string) => void = reason => this.#warnings.push(reason);
  /** Before somebody listens. */
  #warnings: string[] = [];
  isUp = true;

  private constructor(settings: Settings, thread: Worker, opened: Opened, startMs: number) {
    this.#settings = settings;
    this.#thread = thread;
    this.opened = opened;
    this.startMs = startMs;
    this.#ended = new Promise(resolve => thread.once('exit', () => resolve()));
    thread.on('message', (message: FromLink) => this.#told(message));
    thread.on('error', error => this.#failed(`its thread died: ${error.message}`));
  }

  /** Connects, and becomes a node. Throws `ClusterError` or `ConfigError`. `given`: the settings that were given. */
  static async open(settings: Settings, given: ReadonlySet<string>, program: string): Promise<Cluster> {
    const startMs = performance.now();
    const start = linkStartOf(settings, given, program);
    const thread = createThread(new URL('./link-thread', import.meta.url), {
      workerData: start,
      name: 'tally-nats',
    });
    const warnings: string[] = [];
    const opened = await new Promise<Opened>((resolve, reject) => {
      const heard = (message: FromLink) => {
        if (message.is === 'warning') warnings.push(message.reason);
        if (message.is === 'opened') resolve(message);
        if (message.is === 'refused') reject(new ClusterError(message.reason));
      };
      thread.on('message', heard);
      thread.once('error', reject);
      thread.once('exit', () => reject(new ClusterError('the thread that speaks to NATS has ended')));
    }).finally(() => {
      thread.removeAllListeners('message');
      thread.removeAllListeners('error');
    });
    const cluster = new Cluster(settings, thread, opened, startMs);
    cluster.#warnings = warnings;
    return cluster;
  }

  /** Of all hashes: the same on every node. */
  get seed(): HashSeed {
    return hashSeedOf(this.opened.constitution);
  }

  /** The node; `names` holds the names of users when their events are submitted. Throws `ClusterError`. */
  nodeFor(names: DataView): ClusterNode {
    const { constitution, snapshot, epoch } = this.opened;
    try {
      const machine = snapshot === undefined ? new Machine(constitution) : load(constitution, snapshot);
      const options = { node: this.#settings.node, epoch, limits: this.#settings };
      this.#node = new ClusterNode(names, machine, options, this);
      return this.#node;
    } catch (error) {
      throw new ClusterError(`the snapshot can't be used: ${(error as Error).message}`);
    }
  }

  /** Applies what lies in the streams; resolves when the node has all that was there when it started. */
  async catchUp(progress?: CatchUpProgress): Promise<void> {
    const node = this.#node!;
    const { parts } = node.machine;
    const { ends } = this.opened;
    const from = parts.map(({ sequence }) => sequence);
    this.send({ is: 'begin', from: from.map(sequence => sequence + 1) });
    const sum = (sequences: readonly number[]) => sequences.reduce((all, each) => all + each, 0);
    const [first, last] = [sum(from), sum(ends)];
    await new Promise<void>((resolve, reject) => {
      this.#onFailed = reason => reject(new ClusterError(reason));
      this.#onBlocks = () => {
        const now = parts.map(({ sequence }) => sequence);
        progress?.caughtUp(sum(now) - first, last - first);
        if (now.every((sequence, partition) => sequence >= ends[partition]!)) resolve();
      };
      this.#onBlocks();
      if (this.#failure !== undefined) reject(new ClusterError(this.#failure));
    });
    this.#onBlocks = () => {};
    this.#onFailed = () => {};
    node.beginCounting();
  }

  /** Called once, at once if it has failed already. */
  onFailed(tell: (reason: string) => void): void {
    this.#onFailed = tell;
    if (this.#failure !== undefined) tell(this.#failure);
  }

  /** Is told what goes wrong beside, in one line. */
  onWarning(tell: (reason: string) => void): void {
    this.#onWarning = tell;
    for (const reason of this.#warnings) tell(reason);
    this.#warnings = [];
  }

  /** Is told when blocks can't be stored for the time being, and when they can again. */
  onLink(tell: (isUp: boolean, reason: string) => void): void {
    this.#onLink = tell;
  }

  readonly kind = 'cluster';
  readonly failing = "the cluster can't be followed";

  /** When all is answered. */
  async close(): Promise<void> {
    if (!this.#isStopping) this.send({ is: 'stop' });
    await this.#ended;
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  send(message: ToLink): void {
    if (message.is === 'stop') this.#isStopping = true;
    const memory = message.is === 'block' ? [message.bytes.buffer as ArrayBuffer] : [];
    this.#thread.postMessage(message, memory);
  }

  ended(): Promise<void> {
    return this.#ended;
  }

  terminate(): void {
    void this.#thread.terminate();
  }

  /** For the metrics. */
  detail() {
    const { machine } = this.#node!;
    const figures = this.#figures;
    return {
      up: this.isUp ? 1 : 0,
      lags: [...(figures?.lags ?? machine.parts.map(() => 0))],
      sequences: machine.parts.map(({ sequence }) => sequence),
      blocks_under_way: this.#node!.blocksUnderWay,
      blocks_sent: figures?.sent ?? 0,
      blocks_resent: figures?.resent ?? 0,
      blocks_stored: figures?.stored ?? 0,
      events_sent: this.#node!.eventsSent,
      ack_ms: Math.round(figures?.ackMs ?? 0),
      reconnects: figures?.reconnects ?? 0,
      consumers_remade: figures?.remade ?? 0,
      snapshot_age_ms:
        figures === undefined || figures.snapshotMs === 0 ? -1 : Date.now() - figures.snapshotMs,
      makes_snapshots: figures?.makesSnapshots ? 1 : 0,
      ack_times: [...ACK_MS_BOUNDS, Number.POSITIVE_INFINITY].map((ms, bucket) => ({
        ms,
        count: figures?.ackBuckets[bucket] ?? 0,
      })),
    };
  }

  #told(message: FromLink): void {
    switch (message.is) {
      case 'blocks':
        try {
          this.#node!.take(message.blocks);
        } catch (error) {
          this.#failed(`a block of a stream can't be applied: ${(error as Error).message}`);
          return;
        }
        this.#onBlocks();
        return;
      case 'stored':
        this.#node!.wasStored(message.partition, message.number);
        return;
      case 'link':
        if (this.isUp === message.isUp) return;
        this.isUp = message.isUp;
        this.#node!.isUp = message.isUp;
        this.#onLink(message.isUp, message.reason);
        return;
      case 'figures':
        this.#figures = message.figures;
        return;
      case 'refused':
        this.#failed(message.reason);
        return;
      case 'warning':
        this.#onWarning(message.reason);
        return;
      case 'opened':
    }
  }

  #failed(reason: string): void {
    if (this.#failure !== undefined || this.#isStopping) return;
    this.#failure = reason;
    this.#onFailed(reason);
  }
}

export type ClusterDetail = ReturnType<Cluster['detail']>;

function linkStartOf(settings: Settings, given: ReadonlySet<string>, program: string): LinkStart {
  const { cluster, node, clusterName, clusterReplicas, clusterPartitions, users, idsMax, idsMs } = settings;
  const servers = natsServersOf(cluster).map(server => server!);
  return {
    servers: servers.map(({ address }) => address),
    credentials: readNatsCredentials(settings, servers),
    node,
    cluster: clusterName,
    replicas: clusterReplicas,
    wanted: {
      version: FORMAT_VERSION,
      partitions: clusterPartitions,
      users,
      idsMax,
      idsMs,
    },
    given: [...given],
    blockBytesMax: BLOCK_BYTES_MAX,
    snapshotBlocks: settings.clusterSnapshotBlocks,
    data: settings.data,
    program,
  };
}

/**
 * The NATS side of a node: opens all that the cluster keeps there, then stores blocks, reads those of all nodes, and
 * says whether that works.
 */
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { Bucket } from './bucket.ts';
import { openConnection } from './connection.ts';
import { agreeOn } from './constitution.ts';
import { Counts } from './figures.ts';
import { Intake } from './intake.ts';
import { LinkHealth } from './link-health.ts';
import type { LinkStart } from './link-options.ts';
import type { FromLink, ToLink } from './messages.ts';
import { blockId, leaderElected } from './names.ts';
import { NodeName } from './node-name.ts';
import { OwnCopy } from './own-copy.ts';
import { inTime, patientlyNew } from './patience.ts';
import { Publisher } from './publisher.ts';
import { messageOf, Refusal, refusalOf } from './refusal.ts';
import { SnapshotDuty } from './snapshot-duty.ts';
import { type SnapshotPlace, Snapshots } from './snapshots.ts';
import { checkedState } from './state.ts';
import { hasBlocks, openJetStream, openStreams, type Stream } from './streams.ts';

/** `transfer`: memory that goes with the message, and is gone here. Whoever hears `refused` calls `stop`. */
export type Send = (message: FromLink, transfer?: readonly ArrayBuffer[]) => void;

const FIGURES_MS = 200;
/** While it starts, servers that start too may have no leader yet. */
const PATIENCE_MS = 20_000;
/** For a consumer that is made again. */
const READER_MS_MAX = 2_000;
/** For blocks under way at the end, and for giving the name back. */
const END_MS_MAX = 3_000;
const LOOK_MS = 10;

export class Link {
  readonly #start: LinkStart;
  readonly #send: Send;
  readonly #counts = new Counts();
  #nats: NatsConnection | undefined;
  #readManager: JetStreamManager | undefined;
  #name: NodeName | undefined;
  #snapshots: Snapshots | undefined;
  #streams: readonly Stream[] = [];
  #publishers: readonly Publisher[] = [];
  #intake: Intake | undefined;
  #health: LinkHealth | undefined;
  #copy: OwnCopy | undefined;
  #duty: SnapshotDuty | undefined;
  /** By partition. */
  #applied: readonly number[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isStopping = false;

  constructor(start: LinkStart, send: Send) {
    this.#start = start;
    this.#send = send;
  }

  /** Until `opened` is sent. Throws a `Refusal`, or nothing if it was stopped meanwhile. */
  async open(): Promise<void> {
    try {
      await this.#open();
    } catch (error) {
      if (this.#isStopping) return;
      throw refusalOf(error, 'start', this.#start.replicas);
    }
  }

  hear(message: Exclude<ToLink, { is: 'stop' }>): void {
    if (this.#isStopping) return;
    switch (message.is) {
      case 'begin':
        this.#begin(message.from);
        return;
      case 'block':
        this.#publishers[message.partition]!.publish(message.number, message.bytes);
        return;
      case 'applied':
        this.#applied = message.sequences;
        this.#intake?.applied(message.sequences);
    }
  }

  /** Waits a little for blocks under way, gives the name back, and leaves NATS. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#timer);
    this.#intake?.stop();
    await inTime(this.#untilStored(), END_MS_MAX);
    for (const publisher of this.#publishers) publisher.stop();
    this.#health?.stop();
    if (this.#duty !== undefined) await inTime(this.#duty.stop(), END_MS_MAX);
    this.#copy?.release();
    if (this.#name !== undefined) await inTime(this.#name.release(), END_MS_MAX);
    await this.#nats?.close();
  }

  async #open(): Promise<void> {
    const start = this.#start;
    const { cluster, blockBytesMax } = start;
    const nats = await openConnection(start);
    this.#nats = nats;
    if (this.#isStopping) {
      await nats.close();
      return;
    }
    const manager = await openJetStream(nats, blockBytesMax);
    this.#readManager = await jetstreamManager(nats, { timeout: READER_MS_MAX, checkAPI: false });
    const bucket = await this.#orRefuse('make the bucket for its nodes', () =>
      Bucket.open(nats, cluster, start.replicas),
    );
    const replicas = await this.#replicas(bucket);
    const { constitution, isFirst } = await patientlyNew(
      () => agreeOn(bucket, start, () => hasBlocks(manager, cluster)),
      PATIENCE_MS,
    );
    const [streams, snapshots] = await Promise.all([
      openStreams(manager, {
        ...{ cluster, replicas, blockBytesMax, isFirst },
        partitions: constitution.partitions,
      }),
      this.#orRefuse('make the object store for snapshots', () =>
        Snapshots.open(nats, manager, bucket, { cluster, replicas }),
      ),
    ]);
    this.#snapshots = snapshots;
    this.#streams = streams;
    const { epoch } = await this.#claim(bucket);
    const { data } = start;
    this.#copy = data === '' ? undefined : await OwnCopy.open(data, cluster, constitution);
    const places = await patientlyNew(() => snapshots.places(), PATIENCE_MS);
    const bytes = await this.#snapshotOf(places?.newest);
    if (this.#isStopping) return;
    this.#publishers = streams.map((stream, partition) => this.#publisher(stream, partition, epoch));
    this.#send(
      { is: 'opened', constitution, epoch, snapshot: bytes, ends: streams.map(({ last }) => last) },
      bytes === undefined ? [] : [bytes.buffer as ArrayBuffer],
    );
    this.#watch(nats);
    const duty = { link: start, constitution, epoch, bucket, snapshots };
    this.#duty = new SnapshotDuty(
      {
        ...duty,
        sequences: () => this.#applied,
        onNewest: place => void this.#keepCopy(place),
        onFailed: reason => this.#warn(`a snapshot can't be made: ${reason}`),
      },
      places?.newest,
    );
  }

  /** As the first node wanted it. */
  async #replicas(bucket: Bucket): Promise<number> {
    const { cluster, replicas, given } = this.#start;
    const has = await patientlyNew(() => bucket.replicas(), PATIENCE_MS);
    if (has !== replicas && given.includes('clusterReplicas'))
      throw new Refusal(
        `the cluster '${cluster}' was made with --cluster-replicas ${has}, and this node has --cluster-replicas ${replicas}; give it --cluster-replicas ${has}, or make another cluster (--cluster-name)`,
      );
    return has;
  }

  /** The newest snapshot: our own copy of it, if we have that. */
  async #snapshotOf(newest: SnapshotPlace | undefined): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const own = this.#copy?.snapshot;
    if (own !== undefined && (newest === undefined || newest.name === own.name)) {
      try {
        const bytes = this.#copy!.read()!;
        checkedState(bytes);
        return bytes;
      } catch (error) {
        this.#warn(`the copy of the snapshot can't be used: ${messageOf(error)}; taking that of the cluster`);
      }
    }
    const snapshot = await patientlyNew(() => this.#snapshots!.read(), PATIENCE_MS);
    if (snapshot === undefined) return undefined;
    const { place, bytes } = snapshot;
    this.#copy?.write(place.name, place.sequences, bytes);
    return bytes;
  }

  /** Somebody has made a new one. */
  async #keepCopy({ name, sequences }: SnapshotPlace): Promise<void> {
    if (this.#copy === undefined || this.#isStopping) return;
    try {
      const snapshot = await this.#snapshots!.read();
      if (snapshot?.place.name === name) this.#copy.write(name, sequences, snapshot.bytes);
    } catch (error) {
      this.#warn(`the copy of the snapshot can't be written: ${messageOf(error)}`);
    }
  }

  #warn(reason: string): void {
    if (!this.#isStopping) this.#send({ is: 'warning', reason });
  }

  async #claim(bucket: Bucket): Promise<NodeName> {
    const { node, program } = this.#start;
    const hear = {
      onWait: (reason: string) => this.#send({ is: 'link', isUp: false, reason }),
      onLost: (refusal: Refusal) => this.#refuse(refusal),
    };
    this.#name = await patientlyNew(() => NodeName.claim(bucket, node, program, hear), PATIENCE_MS);
    if (this.#isStopping) await this.#name.release();
    return this.#name;
  }

  async #orRefuse<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
    try {
      return await patientlyNew(work, PATIENCE_MS);
    } catch (error) {
      throw refusalOf(error, what, this.#start.replicas);
    }
  }

  #publisher({ name, subject }: Stream, partition: number, epoch: number): Publisher {
    return new Publisher({
      nats: this.#nats!,
      stream: name,
      subject,
      idOf: number => blockId(this.#start.node, epoch, partition, number),
      onStored: (number, sequence, tookMs) => {
        this.#counts.stored(tookMs);
        this.#send({ is: 'stored', partition, number, sequence });
        this.#intake?.stored(partition, sequence);
        this.#health?.acknowledged();
      },
      onSent: isAgain => this.#counts.sent(isAgain),
    });
  }

  #begin(from: readonly number[]): void {
    this.#intake = new Intake({
      nats: this.#nats!,
      manager: this.#readManager!,
      streams: this.#streams,
      from,
      onRead: (partition, { id, sequence }) => this.#publishers[partition]!.confirm(id, sequence),
      onBlocks: (blocks, memory) => this.#send({ is: 'blocks', blocks }, [memory]),
      onRefused: refusal => this.#refuse(refusal),
      onTrouble: reason => this.#warn(reason),
      snapshotAt: async () => (await this.#snapshots!.places())?.newest.sequences,
    });
  }

  #watch(nats: NatsConnection): void {
    this.#health = new LinkHealth({
      nats,
      stalled: () => this.#stalled(),
      onChange: (isUp, reason) => this.#send({ is: 'link', isUp, reason }),
      onDisconnect: () => this.#intake?.disconnected(),
      onReconnect: () => {
        this.#counts.reconnected();
        for (const publisher of this.#publishers) publisher.again();
        this.#intake?.connected();
      },
      onClose: reason => {
        this.#refuse(new Refusal(`the connection to NATS was closed for good: ${reason}`));
      },
    });
    for (const [partition, { name }] of this.#streams.entries())
      nats.subscribe(leaderElected(name), {
        callback: error => {
          if (error === null) this.#publishers[partition]!.again();
        },
      });
    this.#timer = setInterval(() => this.#tellFigures(nats), FIGURES_MS);
  }

  /** The block that has been under way for the longest time. */
  #stalled(): { sinceMs: number; reason: string } | undefined {
    let oldest: { sinceMs: number; reason: string } | undefined;
    for (const [partition, { sinceMs, problem }] of this.#publishers.entries())
      if (sinceMs !== undefined && sinceMs < (oldest?.sinceMs ?? Number.POSITIVE_INFINITY)) {
        const { name } = this.#streams[partition]!;
        oldest = { sinceMs, reason: `the stream ${name} acknowledges nothing: ${problem ?? 'no answer'}` };
      }
    return oldest;
  }

  #tellFigures(nats: NatsConnection): void {
    const lags = this.#intake?.lags ?? this.#streams.map(() => 0);
    const server = this.#health!.isConnected ? nats.getServer() : '';
    const figures = this.#counts.figures({
      ...{ lags, server, remade: this.#intake?.remade ?? 0 },
      snapshotMs: this.#duty?.newest?.writtenMs ?? 0,
      makesSnapshots: this.#duty?.isMaking ?? false,
    });
    this.#send({ is: 'figures', figures });
  }

  #refuse(refusal: Refusal): void {
    if (!this.#isStopping) this.#send({ is: 'refused', reason: refusal.message });
  }

  async #untilStored(): Promise<void> {
    const endMs = performance.now() + END_MS_MAX;
    while (performance.now() < endMs && this.#publishers.some(({ sinceMs }) => sinceMs !== undefined))
      await new Promise(resolve => setTimeout(resolve, LOOK_MS));
  }
}

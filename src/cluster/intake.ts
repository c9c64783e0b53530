/**
 * All partitions' streams, read in order and passed on in batches: all blocks that have come in one turn of the event
 * loop are one message, with one piece of memory. What was passed on and is not applied yet is bounded.
 */
import type { JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Delivered } from './delivered.ts';
import { timeOf } from './direct.ts';
import type { Stored } from './messages.ts';
import { patiently } from './patience.ts';
import { isNoStream, Refusal } from './refusal.ts';
import { StreamReader } from './stream-reader.ts';
import { lookAt, type Stream } from './streams.ts';

/** Passed on and not applied, of all partitions together. */
const BYTES_MAX = 16 * 1_048_576;
const BLOCKS_MAX = 4_096;
/** A stream that holds less than was read from it may have a leader that still reads its own files. */
const CATCH_UP_MS_MAX = 15_000;
/** A stream that can't be found may be on servers that still start. */
const MISSING_MS_MAX = 15_000;

export interface IntakeStart {
  readonly nats: NatsConnection;
  readonly manager: JetStreamManager;
  readonly streams: readonly Stream[];
  /** The first wanted sequence of each partition. */
  readonly from: readonly number[];
  /** A block was read, and will be part of the next batch. */
  onRead(partition: number, message: Delivered): void;
  onBlocks(blocks: Stored[], memory: ArrayBuffer): void;
  onRefused(refusal: Refusal): void;
  /** Something should be looked at; reading goes on as well as it can. */
  onTrouble(reason: string): void;
  /** The sequences that the newest snapshot stands for; undefined: there is none. */
  snapshotAt(): Promise<readonly number[] | undefined>;
}

interface Sent {
  readonly sequence: number;
  readonly bytes: number;
}

interface Read {
  readonly partition: number;
  readonly message: Delivered;
}

export class Intake {
  readonly #start: IntakeStart;
  readonly #readers: readonly StreamReader[];
  /** By partition, what was passed on and is not applied. */
  readonly #sent: readonly Sent[][];
  /** By partition: when its stream was made, the block that was read last, and whether one of ours was stored. */
  readonly #known: { created: string; last?: Pick<Delivered, 'sequence' | 'timeMs'>; hasStored: boolean }[];
  #read: Read[] = [];
  #hasEnded = false;

  constructor(start: IntakeStart) {
    this.#start = start;
    const { nats, manager, streams, from } = start;
    this.#sent = streams.map(() => []);
    this.#known = streams.map(({ created }) => ({ created, hasStored: false }));
    this.#readers = streams.map(
      (stream, partition) =>
        new StreamReader({
          nats,
          manager,
          stream: stream.name,
          from: from[partition]!,
          messagesMax: Math.floor(BLOCKS_MAX / streams.length),
          bytesMax: Math.floor(BYTES_MAX / streams.length),
          onMessage: message => this.#take(partition, message),
          check: next => this.#check(stream, partition, next),
          checkHas: sequence => this.#checkHas(stream, partition, sequence),
          onRefused: refusal => {
            if (!this.#hasEnded) start.onRefused(refusal);
          },
          onTrouble: reason => {
            if (!this.#hasEnded) start.onTrouble(`the stream ${stream.name} can hardly be read: ${reason}`);
          },
        }),
    );
  }

  /** By partition: how many blocks of its stream are not applied here yet, as far as is known. */
  get lags(): number[] {
    return this.#readers.map(({ pending }, partition) => pending + this.#sent[partition]!.length);
  }

  /** How many consumers were made again. */
  get remade(): number {
    return this.#readers.reduce((sum, { made }) => sum + Math.max(0, made - 1), 0);
  }

  /** A block of this sequence is in the stream. */
  stored(partition: number, sequence: number): void {
    this.#known[partition]!.hasStored = true;
    this.#readers[partition]!.stored(sequence);
  }

  /** By partition, all up to this sequence is applied. */
  applied(sequences: readonly number[]): void {
    for (const [partition, sent] of this.#sent.entries()) {
      const upTo = sequences[partition] ?? 0;
      let blocks = 0;
      let bytes = 0;
      while (blocks < sent.length && sent[blocks]!.sequence <= upTo) {
        bytes += sent[blocks]!.bytes;
        blocks += 1;
      }
      if (blocks === 0) continue;
      sent.splice(0, blocks);
      this.#readers[partition]!.release(blocks, bytes);
    }
  }

  disconnected(): void {
    for (const reader of this.#readers) reader.disconnected();
  }

  connected(): void {
    for (const reader of this.#readers) reader.connected();
  }

  stop(): void {
    this.#hasEnded = true;
    for (const reader of this.#readers) reader.stop();
  }

  #take(partition: number, message: Delivered): void {
    const { sequence, timeMs, bytes } = message;
    this.#known[partition]!.last = { sequence, timeMs };
    this.#sent[partition]!.push({ sequence, bytes: bytes.length });
    this.#start.onRead(partition, message);
    this.#read.push({ partition, message });
    if (this.#read.length === 1) setImmediate(() => this.#passOn());
  }

  /** Copies: what the socket has read is one piece of memory for many messages. */
  #passOn(): void {
    const read = this.#read;
    this.#read = [];
    if (this.#hasEnded) return;
    const memory = new ArrayBuffer(read.reduce((sum, { message }) => sum + message.bytes.length, 0));
    let at = 0;
    const blocks = read.map(({ partition, message: { sequence, timeMs, bytes } }): Stored => {
      const copy = new Uint8Array(memory, at, bytes.length);
      copy.set(bytes);
      at += bytes.length;
      return { partition, sequence, timeMs, bytes: copy };
    });
    this.#start.onBlocks(blocks, memory);
  }

  /** Is the next sequence there, or will it come? Asked of the stream's leader. */
  async #check(known: Stream, partition: number, next: number): Promise<void> {
    const endMs = performance.now() + CATCH_UP_MS_MAX;
    for (;;) {
      const now = await this.#look(known);
      if (now.created !== this.#known[partition]!.created && !(await this.#isSame(known, partition, next)))
        throw new Refusal(
          `the stream ${known.name} was deleted and made again; its blocks are lost, and this node can't go on with others: restore the stream, or make another cluster (--cluster-name)`,
        );
      this.#known[partition]!.created = now.created;
      if (now.first > next) throw await this.#purged(known, partition, next, now.first);
      if (now.last >= next - 1) return;
      if (performance.now() > endMs)
        throw new Refusal(
          `the stream ${known.name} ends at ${now.last}, and this node has read up to ${next - 1}; NATS has lost blocks: restore the stream, or make another cluster (--cluster-name)`,
        );
      await new Promise(resolve => setTimeout(resolve, 500));
    }
  }

  /**
   * Two nodes that made the same stream at the same moment have made one, with the time of the later one. Then it has what
   * this node has read of it.
   */
  async #isSame({ name }: Stream, partition: number, next: number): Promise<boolean> {
    const { last, hasStored } = this.#known[partition]!;
    if (next === 1) return !hasStored;
    if (last?.sequence !== next - 1) return false;
    const message = await this.#start.manager.streams.getMessage(name, { seq: last.sequence });
    return message !== null && timeOf(message.timestamp) === last.timeMs;
  }

  /**
   * Later blocks are there; is this one? Nobody deletes a single block, so a stream that lacks one has lost it: who went on
   * would come to other balances than whoever has read it.
   */
  async #checkHas({ name, subject }: Stream, partition: number, sequence: number): Promise<void> {
    const { manager } = this.#start;
    if ((await manager.streams.getMessage(name, { seq: sequence })) !== null) return;
    const { first, last } = await lookAt(manager, name, subject);
    if (first > sequence) throw await this.#purged({ name }, partition, sequence, first);
    if (last > sequence)
      throw new Refusal(
        `the stream ${name} has no block ${sequence}, though it has later ones: NATS has lost it, or somebody deleted it; restore the stream, or make another cluster (--cluster-name)`,
      );
    throw new Error(`${name} has no block ${sequence} yet`);
  }

  async #look(known: Stream): Promise<Stream> {
    const endMs = performance.now() + MISSING_MS_MAX;
    for (;;) {
      try {
        return await lookAt(this.#start.manager, known.name, known.subject);
      } catch (error) {
        if (!isNoStream(error)) throw error;
        if (performance.now() > endMs)
          throw new Refusal(
            `the stream ${known.name} was deleted; its blocks are lost: restore it, or make another cluster (--cluster-name)`,
          );
      }
      await new Promise(resolve => setTimeout(resolve, 500));
    }
  }

  async #purged(
    { name }: Pick<Stream, 'name'>,
    partition: number,
    next: number,
    first: number,
  ): Promise<Refusal> {
    const snapshot = await patiently(() => this.#start.snapshotAt(), MISSING_MS_MAX);
    const wanted = `this node wanted block ${next} of the stream ${name}, which begins at ${first}`;
    if ((snapshot?.[partition] ?? 0) + 1 >= first)
      return new Refusal(
        `${wanted}: it fell behind what the stream keeps; start it again, and it takes the newest snapshot`,
      );
    return new Refusal(
      `${wanted}, and no snapshot reaches to there: the stream was purged by hand, and what it held is lost to this node; restore the stream, or make another cluster (--cluster-name)`,
    );
  }
}

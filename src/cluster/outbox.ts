/**
 * What a node has for one partition: the block that gathers, and those that are sent and not applied.
 *
 * One block at a time is under way to the stream, and the next one is sent when a majority has it. So the blocks of a
 * node lie in the stream in their order, whatever is lost and sent again, and a block grows while the last one is under
 * way: the busier the node, the more events share a message.
 */
import { Commit } from '../engine/position.ts';
import { BlockWriter } from './block.ts';
import { BLOCK_BYTES_MAX } from './machine.ts';
import type { Waiting } from './waiting.ts';

/** Blocks that a majority has and that have not come back: beyond these, none is sent. */
const UNAPPLIED_MAX = 64;

/** What the replies of one visit wait for; and the blocks that its events are in. */
export class VisitCommit extends Commit {
  override readonly writes: Float64Array;

  constructor(partitions: number) {
    super();
    this.writes = new Float64Array(partitions);
  }
}

interface Gathered {
  /** Told when a majority has the block. */
  commits: Commit[];
  /** Told when the block is applied here: what became of its records, in their order. */
  waiting: Waiting[];
}

interface Sent extends Gathered {
  events: number;
  /** Called when it is applied. */
  reads: (() => void)[];
}

const nothing = (): Gathered => ({ commits: [], waiting: [] });

export class Outbox {
  readonly writer: BlockWriter;
  readonly #partition: number;
  readonly #send: (number: number, bytes: Uint8Array<ArrayBuffer>) => void;
  /** The number of the block that gathers. */
  number = 1;
  /** The last own block that a majority has, and the last that was applied here. */
  stored = 0;
  applied = 0;
  /** Events that are in no applied block. */
  events = 0;
  /** Events in all blocks that were sent. */
  eventsSent = 0;
  #gathering = nothing();
  readonly #sent = new Map<number, Sent>();
  #gatheredEvents = 0;
  #retries: (() => void)[] = [];

  constructor(
    partition: number,
    node: string,
    epoch: number,
    send: (number: number, bytes: Uint8Array<ArrayBuffer>) => void,
  ) {
    this.#partition = partition;
    this.#send = send;
    this.writer = new BlockWriter(node, epoch, BLOCK_BYTES_MAX);
  }

  get hasRoom(): boolean {
    return this.writer.hasRoom;
  }

  /** Blocks that are under way, or have not come back. */
  get unapplied(): number {
    return this.#sent.size;
  }

  /** The commit waits for the block that gathers, too. */
  add(commit: VisitCommit): void {
    this.events += 1;
    this.#gatheredEvents += 1;
    const { commits } = this.#gathering;
    // One visit is served at a time.
    if (commits.at(-1) === commit) return;
    commit.writes[this.#partition] = this.number;
    commit.extend();
    commits.push(commit);
  }

  /** For a record that was just added. */
  wait(waiting: Waiting): void {
    this.#gathering.waiting.push(waiting);
  }

  /** Calls `read` when the own block with this number, which was sent and is not applied yet, is. */
  whenApplied(number: number, read: () => void): void {
    this.#sent.get(number)!.reads.push(read);
  }

  /** Calls `retry` once, when there may be room. */
  whenRoom(retry: () => void): void {
    this.#retries.push(retry);
  }

  /** Sends what has gathered, unless a block is under way. */
  seal(): void {
    if (this.writer.records === 0 || this.stored !== this.number - 1 || this.#sent.size >= UNAPPLIED_MAX)
      return;
    const { number } = this;
    this.#sent.set(number, { ...this.#gathering, events: this.#gatheredEvents, reads: [] });
    this.#gathering = nothing();
    this.eventsSent += this.#gatheredEvents;
    this.#gatheredEvents = 0;
    this.number += 1;
    this.#send(number, this.writer.take(number));
    const retries = this.#retries;
    this.#retries = [];
    for (const retry of retries) retry();
  }

  /** A majority has the block; it may be told twice. */
  wasStored(number: number): void {
    if (number <= this.stored) return;
    this.stored = number;
    const sent = this.#sent.get(number)!;
    for (const commit of sent.commits) commit.reach();
    sent.commits = [];
    this.seal();
  }

  /** Who waits for the records of an own block, which is being applied. */
  waitingFor(number: number): readonly Waiting[] {
    return this.#sent.get(number)?.waiting ?? [];
  }

  wasApplied(number: number): void {
    const sent = this.#sent.get(number);
    if (sent === undefined) return;
    this.#sent.delete(number);
    this.applied = number;
    this.events -= sent.events;
    // It lies in the stream.
    if (number > this.stored) {
      this.stored = number;
      for (const commit of sent.commits) commit.reach();
    }
    for (const read of sent.reads) read();
    this.seal();
  }
}

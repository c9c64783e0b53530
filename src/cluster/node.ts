/**
 * A node of a cluster, on its socket thread: it takes the place of the engine.
 *
 * Its clients' events go into blocks, and the blocks of all nodes come back in the order of the streams; then they are
 * applied, here, by this thread: a block of a hundred events is one message, so applying costs little beside the
 * message, and workers would only add wake-ups. An event is accepted when a majority has its block; what has to be
 * decided (a balance, an id, a minimum, a transfer, the first event of a user) is answered when its block is applied.
 */

import { outcomeOf } from '../engine/deciding.ts';
import type { BalanceRequest, Intake } from '../engine/intake.ts';
import type { Counts } from '../engine/options.ts';
import { NO_ROOM, type NoRoom } from '../engine/owners.ts';
import type { Commit, Position } from '../engine/position.ts';
import type { UserLimits } from '../engine/user-limits.ts';
import { NOBODY, type UserTable } from '../engine/user-table.ts';
import { Outcome } from '../protocol/outcome.ts';
import type { ParsedRequest } from '../protocol/request.ts';
import { Asked } from './asked.ts';
import { RecordKind } from './block.ts';
import { Halves } from './halves.ts';
import type { Machine } from './machine.ts';
import type { Stored, ToLink } from './messages.ts';
import { NodeCounting } from './node-counting.ts';
import { Outbox, VisitCommit } from './outbox.ts';
import { Reads } from './reads.ts';
import { Shards } from './shards.ts';

/** How often it is looked whether halves of transfers are late. */
const LATE_LOOK_MS = 500;
/** The thread of NATS is told what is applied after so long, or so much: a small part of what it may have sent. */
const TOLD_MS = 20;
const TOLD_BLOCKS = 64;
const TOLD_BYTES = 2 ** 20;

/** The thread that speaks to NATS, as the node sees it. */
export interface Link {
  send(message: ToLink): void;
  /** Resolves when it has ended. */
  ended(): Promise<void>;
  terminate(): void;
}

export interface NodeOptions {
  node: string;
  epoch: number;
  /** A setting, which may change. */
  readonly limits: { readonly whenFull: 'reject' | 'wait' };
  /** Milliseconds since any time, and numbers from 0 up to 1; tests have their own. */
  clock?: () => number;
  random?: () => number;
}

export class ClusterNode implements Intake {
  readonly users: UserTable;
  readonly machine: Machine;
  readonly #names: DataView;
  readonly #options: NodeOptions;
  readonly #link: Link;
  readonly #outboxes: readonly Outbox[];
  readonly #halves: Halves;
  readonly #reads: Reads;
  readonly #counting: NodeCounting;
  #visit: VisitCommit | undefined;
  #isSealing = false;
  #isUp = true;
  #openTransfers = 0;
  /** Applied, and not told to the thread of NATS. */
  #untold = { blocks: 0, bytes: 0 };
  #telling: NodeJS.Timeout | undefined;
  readonly #lateLook: NodeJS.Timeout;
  userLimits: UserLimits | undefined;
  stalledHash = 0;
  /** The number of the next line among the replies that are being made. */
  replies: { readonly lines: number } = { lines: 0 };

  /** `names` holds the names of users when their events are submitted. */
  constructor(names: DataView, machine: Machine, options: NodeOptions, link: Link) {
    const { node, epoch } = options;
    this.#names = names;
    this.machine = machine;
    this.users = machine.users;
    this.#options = options;
    this.#link = link;
    this.#outboxes = machine.parts.map(
      (_, partition) =>
        new Outbox(partition, node, epoch, (number, bytes) =>
          link.send({ is: 'block', partition, number, bytes }),
        ),
    );
    this.#halves = new Halves(machine, this.#outboxes, options.random);
    this.#reads = new Reads(machine, this.#outboxes, names);
    this.#counting = new NodeCounting(machine, this.#outboxes);
    this.#lateLook = setInterval(() => this.sendHalves(), LATE_LOOK_MS).unref();
  }

  commit(): Commit | undefined {
    const commit = this.#visit;
    this.#visit = undefined;
    commit?.reach();
    return commit;
  }

  submit(event: ParsedRequest): Outcome | NoRoom {
    return this.#submit(event, this.replies.lines, false);
  }

  submitPromised(event: ParsedRequest, line: number): Outcome | NoRoom {
    return this.#submit(event, line, true);
  }

  submitAsking(event: ParsedRequest): Position | Outcome | NoRoom {
    if (this.#userOf(event) === LIMITED) return this.refuse(Outcome.rateLimited);
    const outbox = this.#outboxOf(event.hash);
    if (!outbox.hasRoom) return this.#refuseBusy(event.hash);
    return this.#ask(outbox, RecordKind.event, event);
  }

  submitTransfer(request: ParsedRequest): Position | Outcome | NoRoom {
    if (this.#userOf(request) === LIMITED) return this.refuse(Outcome.rateLimited);
    const outbox = this.#outboxOf(request.hash);
    if (!outbox.hasRoom) return this.#refuseBusy(request.hash);
    const position = this.#ask(outbox, RecordKind.transfer, request);
    this.#openTransfers += 1;
    const { decided } = position;
    position.decided = answer => {
      this.#openTransfers -= 1;
      decided.call(position, answer);
    };
    return position;
  }

  readBalance(request: BalanceRequest, writes?: Float64Array): number | undefined {
    return this.#reads.read(request, writes, this.#visit?.writes);
  }

  askBalance(request: BalanceRequest, writes?: Float64Array): Position | undefined {
    this.stalledHash = request.hash;
    return this.#reads.ask(request, writes, () => this.#openVisit().writes);
  }

  whenRoom(hash: number, retry: () => void): void {
    this.#outboxOf(hash).whenRoom(retry);
  }

  refuse(outcome: Outcome): Outcome {
    this.#counting.refused[outcome]! += 1;
    return outcome;
  }

  /** Sends what has gathered, at the end of this turn of the event loop: other clients may have something, too. */
  publish(): void {
    if (this.#isSealing) return;
    this.#isSealing = true;
    setImmediate(() => this.seal());
  }

  seal(): void {
    this.#isSealing = false;
    for (const outbox of this.#outboxes) outbox.seal();
  }

  collect(): void {}

  /** Blocks of the streams have come. Throws `BlockError`. */
  take(blocks: readonly Stored[]): void {
    const { node, epoch } = this.#options;
    let bytes = 0;
    for (const block of blocks) {
      const outbox = this.#outboxes[block.partition]!;
      let own = 0;
      this.machine.apply(block, (from, itsEpoch, number) => {
        if (from !== node || itsEpoch !== epoch) return [];
        own = number;
        return outbox.waitingFor(number);
      });
      if (own > 0) outbox.wasApplied(own);
      bytes += block.bytes.length;
    }
    this.#untold.blocks += blocks.length;
    this.#untold.bytes += bytes;
    if (this.#untold.blocks >= TOLD_BLOCKS || this.#untold.bytes >= TOLD_BYTES) this.#tellApplied();
    else this.#telling ??= setTimeout(() => this.#tellApplied(), TOLD_MS).unref();
    this.sendHalves();
  }

  wasStored(partition: number, number: number): void {
    this.#outboxes[partition]!.wasStored(number);
  }

  /** Sends the halves of transfers that are owed, if it is this node's turn. */
  sendHalves(): void {
    this.#halves.send((this.#options.clock ?? clock)());
    this.publish();
  }

  /** Whether blocks can be stored now. */
  set isUp(isUp: boolean) {
    this.#isUp = isUp;
  }

  /** What was applied so far is not counted. */
  beginCounting(): void {
    this.machine.beginCounting();
  }

  /** `received = processed + dropped + queued`: the events of all nodes as they are applied, and what this one refused. */
  counts(): Counts {
    return this.#counting.counts();
  }

  detail() {
    return this.#counting.detail(this.workers.ready);
  }

  get blocksUnderWay(): number {
    return this.#outboxes.reduce((sum, { unapplied }) => sum + unapplied, 0);
  }

  /** In blocks, so far. */
  get eventsSent(): number {
    return this.#outboxes.reduce((sum, { eventsSent }) => sum + eventsSent, 0);
  }

  /** All that this node's clients have sent is applied, and their transfers are decided. */
  get areRingsEmpty(): boolean {
    return this.#openTransfers === 0 && this.#outboxes.every(({ events }) => events === 0);
  }

  stop(): Promise<void> {
    clearInterval(this.#lateLook);
    this.#link.send({ is: 'stop' });
    return this.#link.ended();
  }

  settle(): void {}

  /** There are no worker threads; what matters is whether blocks can be stored. */
  get workers(): Intake['workers'] {
    const { length } = this.#outboxes;
    return {
      ready: this.#isUp ? length : 0,
      areReady: this.#outboxes.map(() => this.#isUp),
      areAllReady: this.#isUp,
      deaths: 0,
      start: async () => {},
      join: () => this.#link.ended(),
      terminate: () => this.#link.terminate(),
    };
  }

  readonly experiments = { freeze() {}, kill() {}, crash() {} };

  readonly reading: Intake['reading'] = {
    balancesOf: async users => users.map(({ index }) => this.machine.balances[index]!),
  };

  sampler(): Shards {
    return new Shards(this.machine);
  }

  #tellApplied(): void {
    clearTimeout(this.#telling);
    this.#telling = undefined;
    const { bytes } = this.#untold;
    this.#untold = { blocks: 0, bytes: 0 };
    this.#link.send({ is: 'applied', bytes, sequences: this.machine.parts.map(({ sequence }) => sequence) });
  }

  #submit(event: ParsedRequest, line: number, isPromised: boolean): Outcome | NoRoom {
    const user = this.#userOf(event);
    if (user === LIMITED) return this.refuse(Outcome.rateLimited);
    const outbox = this.#outboxOf(event.hash);
    if (!outbox.hasRoom) return this.#refuseBusy(event.hash);
    const record = outbox.writer.addRequest(RecordKind.event, event, this.#names);
    const commit = this.#add(outbox);
    // Of a user that is not known here, it may be one too many.
    if (isPromised || user === NOBODY) {
      commit.extend();
      outbox.wait({
        record,
        decided(answer) {
          const outcome = outcomeOf(answer);
          const isChange = outcome !== Outcome.accepted && (isPromised || outcome === Outcome.tooManyUsers);
          if (isChange) commit.change(line, outcome);
          commit.reach();
        },
      });
    }
    return Outcome.accepted;
  }

  #ask(outbox: Outbox, kind: RecordKind, request: ParsedRequest): Asked {
    const position = new Asked(outbox.writer.addRequest(kind, request, this.#names));
    this.#add(outbox);
    outbox.wait(position);
    return position;
  }

  #add(outbox: Outbox): VisitCommit {
    const visit = this.#openVisit();
    outbox.add(visit);
    return visit;
  }

  #openVisit(): VisitCommit {
    this.#visit ??= new VisitCommit(this.#outboxes.length);
    return this.#visit;
  }

  /** The user, `NOBODY` if it is not known here, or `LIMITED` if it may not send now. */
  #userOf(event: ParsedRequest): number {
    const user = this.machine.find(event, this.#names);
    if (user === NOBODY || this.userLimits === undefined || this.userLimits.take(user)) return user;
    return LIMITED;
  }

  #outboxOf(hash: number): Outbox {
    return this.#outboxes[this.machine.partitionOf(hash)]!;
  }

  #refuseBusy(hash: number): Outcome | NoRoom {
    this.stalledHash = hash;
    this.publish();
    if (this.#options.limits.whenFull !== 'wait') return this.refuse(Outcome.serverBusy);
    this.userLimits?.giveBack();
    return NO_ROOM;
  }
}

const clock = () => performance.now();
/** No index of a user. */
const LIMITED = -3;

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
import { type Commit, Position } from '../engine/position.ts';
import type { UserLimits } from '../engine/user-limits.ts';
import { NOBODY, type UserTable } from '../engine/user-table.ts';
import { Outcome } from '../protocol/outcome.ts';
import { type ParsedRequest, Wants } from '../protocol/request.ts';
import { RECORD_BYTES_MAX, RecordKind } from './block.ts';
import { Halves } from './halves.ts';
import { BLOCK_BYTES_MAX, type Machine, type Waiting } from './machine.ts';
import type { Stored, ToLink } from './messages.ts';
import { Outbox, VisitCommit } from './outbox.ts';
import { Shards } from './shards.ts';

/** How often it is looked whether halves of transfers are late. */
const LATE_LOOK_MS = 500;

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

/** A reply that is the balance after a record, or a refusal. */
class Asked extends Position implements Waiting {
  readonly record: number;

  constructor(record: number) {
    super(0);
    this.record = record;
  }

  decided(answer: number): void {
    this.reach(answer);
  }
}

export class ClusterNode implements Intake {
  readonly users: UserTable;
  readonly machine: Machine;
  readonly #names: Uint8Array;
  readonly #options: NodeOptions;
  readonly #link: Link;
  readonly #outboxes: readonly Outbox[];
  readonly #halves: Halves;
  readonly #outcomes = new Float64Array(Outcome.rateLimited + 1);
  #visit: VisitCommit | undefined;
  #isSealing = false;
  #isUp = true;
  #openTransfers = 0;
  /** Events that were applied before this node served. */
  #eventsBefore = { events: 0, processed: 0, notApplied: 0 };
  readonly #lateLook: NodeJS.Timeout;
  userLimits: UserLimits | undefined;
  stalledHash = 0;
  /** The number of the next line among the replies that are being made. */
  replies: { readonly lines: number } = { lines: 0 };

  /** `names` holds the names of users when their events are submitted. */
  constructor(names: Uint8Array, machine: Machine, options: NodeOptions, link: Link) {
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

  /**
   * The balance, if it may be read now: everything that this client has sent is applied, and everything that a majority
   * has of what this node has sent. What other nodes have sent may be missing.
   */
  readBalance(request: BalanceRequest, writes?: Float64Array): number | undefined {
    if ((request.wants & Wants.fresh) !== 0) return undefined;
    const partition = this.machine.partitionOf(request.hash);
    const { applied } = this.#outboxes[partition]!;
    return this.#lastOf(partition, writes) > applied
      ? undefined
      : this.#balanceOf(this.machine.find(request, this.#names));
  }

  /**
   * As `readBalance`, when that can be. Behind events of this client that still gather, and where it has to be fresh, the
   * place is a mark in the block. Undefined: no room for it.
   */
  askBalance(request: BalanceRequest, writes?: Float64Array): Position | undefined {
    const partition = this.machine.partitionOf(request.hash);
    const outbox = this.#outboxes[partition]!;
    const { nameAt, nameBytes, hash } = request;
    // A copy: what the names lie in is a Buffer, whose own slice is a view.
    const name = Uint8Array.prototype.slice.call(this.#names, nameAt, nameAt + nameBytes);
    const balance = () => this.#balanceOf(this.machine.find({ nameAt: 0, nameBytes, hash }, name));
    const last = this.#lastOf(partition, writes);
    if (last < outbox.number && (request.wants & Wants.fresh) === 0) {
      const position = new Position(0);
      outbox.whenApplied(last, () => position.reach(balance()));
      return position;
    }
    this.stalledHash = hash;
    if (!outbox.hasRoom) return undefined;
    const position = new Asked(outbox.writer.addMark());
    // Balances that this client asks for next must not be older, though nothing waits for them.
    this.#openVisit().writes[partition] = outbox.number;
    position.decided = () => position.reach(balance());
    outbox.wait(position);
    return position;
  }

  whenRoom(hash: number, retry: () => void): void {
    this.#outboxOf(hash).whenRoom(retry);
  }

  refuse(outcome: Outcome): Outcome {
    this.#outcomes[outcome]! += 1;
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
    this.#link.send({ is: 'applied', bytes, sequences: this.machine.parts.map(({ sequence }) => sequence) });
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
    const { events } = this.machine;
    const { processed } = this.machine.decided;
    this.#eventsBefore = { events, processed, notApplied: this.#notApplied };
  }

  /** `received = processed + dropped + queued`: the events of all nodes as they are applied, and what this one refused. */
  counts(): Counts {
    const before = this.#eventsBefore;
    const refused = this.#outcomes.reduce((sum, count) => sum + count, 0);
    const queued = this.#outboxes.reduce((sum, outbox) => sum + outbox.events, 0);
    return {
      received: this.machine.events - before.events + refused + queued,
      processed: this.machine.decided.processed - before.processed,
      dropped: refused + this.#notApplied - before.notApplied,
      queued,
    };
  }

  detail() {
    const { machine, workers } = this;
    const outcomes = this.#outcomes;
    const { overflowed, insufficient, reused, duplicate, idsFull } = machine.decided;
    return {
      accepted: machine.events - this.#eventsBefore.events,
      refused: {
        server_busy: outcomes[Outcome.serverBusy]! + idsFull,
        too_many_users: outcomes[Outcome.tooManyUsers]! + machine.tooManyUsers,
        shutting_down: outcomes[Outcome.shuttingDown]!,
        disk_full: 0,
        rate_limited: outcomes[Outcome.rateLimited]!,
        balance_overflow: overflowed,
        insufficient_balance: insufficient,
        id_reused: reused,
        duplicate,
      },
      users: machine.users.users,
      users_max: machine.users.usersMax,
      in_transit: machine.inTransit,
      ids: machine.ids,
      ids_max: machine.constitution.idsMax,
      workers: machine.parts.length,
      workers_ready: workers.ready,
      worker_deaths: 0,
      ring_slots: Math.floor(BLOCK_BYTES_MAX / RECORD_BYTES_MAX),
      ring_depths: this.#outboxes.map(({ events }) => events),
      parks: 0,
      naps: 0,
      late_wakes: 0,
    };
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

  #balanceOf(user: number): number {
    return user === NOBODY ? 0 : this.machine.balances[user]!;
  }

  /** The last own block of a partition that must be applied before a client may read. */
  #lastOf(partition: number, writes: Float64Array | undefined): number {
    const { stored } = this.#outboxes[partition]!;
    return Math.max(stored, writes?.[partition] ?? 0, this.#visit?.writes[partition] ?? 0);
  }

  #refuseBusy(hash: number): Outcome | NoRoom {
    this.stalledHash = hash;
    this.publish();
    if (this.#options.limits.whenFull !== 'wait') return this.refuse(Outcome.serverBusy);
    this.userLimits?.giveBack();
    return NO_ROOM;
  }

  get #notApplied(): number {
    const { overflowed, insufficient, reused, duplicate, idsFull } = this.machine.decided;
    return overflowed + insufficient + reused + duplicate + idsFull + this.machine.tooManyUsers;
  }
}

const clock = () => performance.now();
/** No index of a user. */
const LIMITED = -3;

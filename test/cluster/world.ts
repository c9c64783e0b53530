/**
 * A cluster without NATS: the streams are lists in memory, and whatever may come between a node and them is drawn: how
 * long a block is under way, that its acknowledgement is lost and it lies in the stream twice, how far each node has read
 * each partition, which node dies, and when what it had under way arrives.
 */
import { Machine } from '../../src/cluster/machine.ts';
import type { Constitution, Stored, ToLink } from '../../src/cluster/messages.ts';
import { ClusterNode } from '../../src/cluster/node.ts';
import { load, save } from '../../src/cluster/state.ts';
import { outcomeOf } from '../../src/engine/deciding.ts';
import type { Commit, Position } from '../../src/engine/position.ts';
import { hashName } from '../../src/protocol/hash.ts';
import { Outcome } from '../../src/protocol/outcome.ts';
import { emptyRequest, type ParsedRequest, Wants } from '../../src/protocol/request.ts';
import type { Attempt, Deed, Wish } from './history.ts';

export const SEED = { start: 12_345, first: 0x5bd1e995 | 1, second: 0x1b873593, id: [1, 2, 3, 4] } as const;
const TO_AT = 256;
/** In each, whatever is late is done. */
const SETTLING_ROUNDS = 6;
const SETTLING_STEPS_MAX = 50_000;

interface Block {
  readonly partition: number;
  readonly number: number;
  readonly bytes: Uint8Array;
}

export interface Seat {
  readonly node: ClusterNode;
  readonly machine: Machine;
  readonly epoch: number;
  /** By partition, how much must be applied before it serves. */
  readonly ends: readonly number[];
  /** Sent, and not stored: at most one of each partition. */
  readonly underWay: Map<number, Block>;
  /** Stored, and not told. */
  readonly untold: { partition: number; number: number }[];
}

/** A client's: it ends with its node. */
export interface Connection {
  readonly number: number;
  readonly index: number;
  readonly seat: Seat;
  writes: Float64Array | undefined;
}

export class World {
  readonly constitution: Constitution;
  readonly streams: Stored[][];
  readonly seats: Seat[];
  nowMs = 0;
  /** Counts what happens: the time of the history. */
  #at = 0;
  #connections = 0;
  /** Of the dead: they may still arrive. */
  readonly #strays: Block[] = [];
  readonly #names = Buffer.alloc(2 * TO_AT);
  readonly #view = new DataView(this.#names.buffer, this.#names.byteOffset, this.#names.byteLength);
  readonly #random: () => number;

  constructor(nodes: number, random: () => number, constitution: Partial<Constitution> = {}) {
    this.#random = random;
    this.constitution = {
      ...{ id: 'test', version: 1, partitions: 4, hashSeed: '', idKey: '' },
      ...{ users: 400, idsMax: 4_000, idsMs: 1_000_000 },
      ...constitution,
    };
    this.streams = Array.from({ length: this.constitution.partitions }, () => []);
    this.seats = Array.from({ length: nodes }, (_, index) =>
      this.#seat(index, 1, new Machine(this.constitution)),
    );
  }

  /** Undefined: the node does not serve yet. */
  connect(index: number): Connection | undefined {
    const seat = this.seats[index]!;
    if (!serves(seat)) return undefined;
    this.#connections += 1;
    return { number: this.#connections, index, seat, writes: undefined };
  }

  lives({ index, seat }: Connection): boolean {
    return this.seats[index] === seat;
  }

  /** A client sends these lines at once; what it hears is noted in the attempts when it does. */
  visit(connection: Connection, deeds: readonly Deed[]): void {
    const { node } = connection.seat;
    const accepted: ((commit: Commit) => void)[] = [];
    for (const { wish, attempts } of deeds) {
      const attempt: Attempt = {
        ...{ node: connection.index, connection: connection.number, startedAt: this.#next() },
        ...{ endedAt: undefined, reply: undefined },
      };
      attempts.push(attempt);
      const line = accepted.length;
      node.replies = { lines: line };
      const result = this.#serve(connection, wish, line);
      if (typeof result !== 'number')
        whenReached(result, () => this.#answer(attempt, outcomeOf(result.balance), result.balance));
      else if (isRead(wish)) this.#answer(attempt, Outcome.accepted, result);
      else if (result !== Outcome.accepted) this.#answer(attempt, result as Outcome);
      else accepted.push(commit => this.#answer(attempt, commit.changes?.get(line) ?? Outcome.accepted));
    }
    const commit = node.commit();
    if (commit === undefined) return;
    connection.writes ??= new Float64Array(commit.writes!.length);
    for (const [partition, block] of commit.writes!.entries())
      if (block > 0) connection.writes[partition] = block;
    whenReached(commit, () => {
      for (const tell of accepted) tell(commit);
    });
  }

  /** One thing happens, drawn at random; false if nothing can. */
  step(): boolean {
    const things: (() => void)[] = [];
    for (const seat of this.seats) {
      seat.node.seal();
      for (const block of seat.underWay.values()) things.push(() => this.#store(seat, block));
      for (const [at, { partition, number }] of seat.untold.entries())
        things.push(() => {
          seat.untold.splice(at, 1);
          seat.node.wasStored(partition, number);
        });
      for (const [partition, stream] of this.streams.entries()) {
        const { sequence } = seat.machine.parts[partition]!;
        // A consumer that was made anew may begin with what was there.
        const from = sequence > 0 && this.#random() < 0.1 ? sequence - 1 : sequence;
        const end = sequence + 1 + Math.floor(this.#random() * 3);
        if (sequence < stream.length) things.push(() => seat.node.take(stream.slice(from, end)));
      }
    }
    for (const [at, { partition, bytes }] of this.#strays.entries())
      things.push(() => {
        this.#strays.splice(at, 1);
        this.#append(partition, bytes);
      });
    if (things.length === 0) return false;
    this.#at += 1;
    things[Math.floor(this.#random() * things.length)]!();
    return true;
  }

  /** Until nothing happens any more but that a node tries in vain to give back what there is no room for. */
  settle(): void {
    let steps = 0;
    for (let rounds = 0; rounds < SETTLING_ROUNDS; rounds++) {
      while (this.step()) {
        steps += 1;
        if (steps > SETTLING_STEPS_MAX) throw new Error('it comes to no end');
      }
      this.nowMs += 5_000;
      for (const { node } of this.seats) node.sendHalves();
    }
  }

  /**
   * The process dies, with all that it has not sent; what is under way may arrive, soon or late. The next one begins from
   * a snapshot of any node: all have the same state, at different places.
   */
  kill(index: number): void {
    const seat = this.seats[index]!;
    for (const block of seat.underWay.values()) {
      const drawn = this.#random();
      if (drawn < 0.3) this.#append(block.partition, block.bytes);
      else if (drawn < 0.6) this.#strays.push(block);
    }
    void seat.node.stop();
    const other = this.seats[Math.floor(this.#random() * this.seats.length)]!;
    this.seats[index] = this.#seat(index, seat.epoch + 1, load(this.constitution, save(other.machine)));
  }

  stop(): void {
    for (const { node } of this.seats) void node.stop();
  }

  #seat(index: number, epoch: number, machine: Machine): Seat {
    const underWay: Seat['underWay'] = new Map();
    const random = this.#random;
    const send = (message: ToLink) => {
      if (message.is !== 'block') return;
      const last = underWay.get(message.partition);
      // The last one came back before its acknowledgement; it may just have been sent once more.
      if (last !== undefined && random() < 0.3) this.#append(message.partition, last.bytes);
      underWay.set(message.partition, message);
    };
    const link = { send, ended: async () => {}, terminate() {} };
    const options = {
      node: `node-${index}`,
      epoch,
      limits: { whenFull: 'reject' } as const,
      clock: () => this.nowMs,
      random,
    };
    return {
      node: new ClusterNode(this.#view, machine, options, link),
      ...{ machine, epoch, underWay, untold: [], ends: this.streams.map(({ length }) => length) },
    };
  }

  #serve({ seat, writes }: Connection, wish: Wish, line: number) {
    const { node } = seat;
    const request = this.#request(wish);
    const { kind, isWaiting, min, id } = wish;
    if (isRead(wish)) return node.readBalance(request, writes) ?? node.askBalance(request, writes)!;
    if (kind === 'transfer') return node.submitTransfer(request);
    if (isWaiting === true || min !== undefined) return node.submitAsking(request);
    return id === undefined ? node.submit(request) : node.submitPromised(request, line);
  }

  #answer(attempt: Attempt, outcome: Outcome, balance?: number): void {
    attempt.endedAt = this.#next();
    attempt.reply = { outcome, balance: outcome === Outcome.accepted ? balance : undefined };
  }

  #next(): number {
    this.#at += 1;
    return this.#at;
  }

  #store(seat: Seat, { partition, number, bytes }: Block): void {
    this.#append(partition, bytes);
    // The acknowledgement was lost, and it was sent again, after others maybe.
    if (this.#random() < 0.1) return;
    seat.underWay.delete(partition);
    seat.untold.push({ partition, number });
  }

  #append(partition: number, bytes: Uint8Array): void {
    const stream = this.streams[partition]!;
    stream.push({ partition, sequence: stream.length + 1, timeMs: stream.length, bytes });
  }

  #request({ kind, user, to, amount, id, min, isWaiting }: Wish): ParsedRequest {
    const request = emptyRequest();
    this.#name(request, user, 0);
    request.amount = kind === 'transfer' ? -amount : amount;
    if (to !== undefined) this.#name(request.to, to, TO_AT);
    request.wants = isWaiting === true || kind === 'transfer' ? Wants.wait : 0;
    if (kind === 'fresh') request.wants |= Wants.fresh;
    if (id !== undefined) {
      request.wants |= Wants.id;
      const word = Number(id);
      request.id.set([word, word * 7, word * 13, 99]);
    }
    if (min !== undefined) {
      request.wants |= Wants.min;
      request.min = min;
    }
    return request;
  }

  #name(into: { nameAt: number; nameBytes: number; hash: number }, name: string, at: number): void {
    into.nameAt = at;
    into.nameBytes = this.#names.write(name, at);
    into.hash = hashName(this.#view, at, into.nameBytes, SEED);
  }
}

export function isRead({ kind }: Wish): boolean {
  return kind === 'balance' || kind === 'fresh';
}

/** It has applied all that there was when it started. */
function serves({ machine, ends }: Seat): boolean {
  return machine.parts.every(({ sequence }, partition) => sequence >= ends[partition]!);
}

function whenReached(what: Commit | Position, tell: () => void): void {
  if (what.isReached) tell();
  else what.waiter = { reached: tell };
}

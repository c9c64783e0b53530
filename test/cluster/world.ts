/**
 * A cluster without NATS: the streams are lists in memory, and whatever may come between a node and them is drawn: how
 * long a block is under way, that its acknowledgement is lost and it lies in the stream twice, how far each node has read
 * each partition, and which node dies.
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

export const SEED = { start: 12_345, first: 0x5bd1e995 | 1, second: 0x1b873593, id: [1, 2, 3, 4] } as const;

/** What a client wants. */
export interface Wish {
  user: string;
  /** Of a transfer: who gets. */
  to?: string;
  amount: number;
  id?: number;
  min?: number;
  wait?: boolean;
}

export interface Told {
  wish: Wish;
  /** Undefined: no reply has come, and none will if the node has died. */
  outcome: Outcome | undefined;
  balance: number | undefined;
  /** The blocks that it went into. */
  writes?: Float64Array | undefined;
}

interface Seat {
  node: ClusterNode;
  machine: Machine;
  epoch: number;
  /** Sent, and not stored: at most one of each partition. */
  underWay: Map<number, { number: number; bytes: Uint8Array }>;
  /** Stored, and not told. */
  untold: { partition: number; number: number }[];
}

export class World {
  readonly constitution: Constitution;
  readonly streams: Stored[][];
  readonly seats: Seat[];
  nowMs = 0;
  readonly #names = Buffer.alloc(512);
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
    };
    return {
      node: new ClusterNode(this.#view, machine, options, link),
      machine,
      epoch,
      underWay,
      untold: [],
    };
  }

  /** A client of a node sends something; what it hears is noted when it does. */
  ask(seat: number, wish: Wish): Told {
    const { node } = this.seats[seat]!;
    const told: Told = { wish, outcome: undefined, balance: undefined };
    const request = this.#request(wish);
    const isAsking = wish.to !== undefined || wish.wait || wish.min !== undefined;
    const result =
      wish.to !== undefined
        ? node.submitTransfer(request)
        : isAsking
          ? node.submitAsking(request)
          : wish.id !== undefined
            ? node.submitPromised(request, 0)
            : node.submit(request);
    const commit = node.commit();
    told.writes = commit?.writes;
    if (typeof result === 'number') {
      if (result !== Outcome.accepted) told.outcome = result as Outcome;
      else
        whenReached(commit!, () => {
          told.outcome = commit!.changes?.get(0) ?? Outcome.accepted;
        });
    } else {
      whenReached(result, () => {
        told.outcome = outcomeOf(result.balance);
        told.balance = told.outcome === Outcome.accepted ? result.balance : undefined;
      });
    }
    return told;
  }

  /** Undefined until it is known. `fresh`: as of now or later. `writes`: of the client who reads. */
  read(seat: number, user: string, fresh = false, writes?: Float64Array): { balance: number | undefined } {
    const { node } = this.seats[seat]!;
    const request = { ...this.#request({ user, amount: 0 }), wants: fresh ? Wants.fresh : 0 };
    const read: { balance: number | undefined } = { balance: node.readBalance(request, writes) };
    if (read.balance !== undefined) return read;
    const position = node.askBalance(request, writes);
    if (position === undefined) return read;
    whenReached(position, () => {
      read.balance = position.balance;
    });
    return read;
  }

  /** One thing happens, drawn at random; false if nothing can. */
  step(): boolean {
    const things: (() => void)[] = [];
    for (const seat of this.seats) {
      seat.node.seal();
      for (const [partition, block] of seat.underWay) things.push(() => this.#store(seat, partition, block));
      for (const [at, { partition, number }] of seat.untold.entries())
        things.push(() => {
          seat.untold.splice(at, 1);
          seat.node.wasStored(partition, number);
        });
      for (const [partition, stream] of this.streams.entries()) {
        const { sequence } = seat.machine.parts[partition]!;
        if (sequence < stream.length) things.push(() => seat.node.take([stream[sequence]!]));
      }
    }
    if (things.length === 0) return false;
    things[Math.floor(this.#random() * things.length)]!();
    return true;
  }

  /** All that has gathered is stored and acknowledged, and nobody has read it yet. */
  storeAll(): void {
    for (const seat of this.seats) {
      seat.node.seal();
      for (const [partition, { number, bytes }] of [...seat.underWay]) {
        this.#append(partition, bytes);
        seat.underWay.delete(partition);
        seat.node.wasStored(partition, number);
      }
    }
  }

  /** Until nothing happens any more. */
  settle(): void {
    for (let quiet = 0; quiet < 3; ) {
      while (this.step()) quiet = 0;
      quiet += 1;
      this.nowMs += 5_000;
      for (const { node } of this.seats) node.sendHalves();
    }
  }

  /** The process dies, with all that it has not sent; what is under way may arrive. The next one begins from a snapshot. */
  kill(index: number): void {
    const seat = this.seats[index]!;
    for (const [partition, block] of seat.underWay)
      if (this.#random() < 0.5) this.#append(partition, block.bytes);
    // Of any node: all have the same state, at different places.
    const other = this.seats[Math.floor(this.#random() * this.seats.length)]!;
    const machine = load(this.constitution, save(other.machine));
    this.seats[index] = this.#seat(index, seat.epoch + 1, machine);
  }

  #store(seat: Seat, partition: number, { number, bytes }: { number: number; bytes: Uint8Array }): void {
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

  #request({ user, to, amount, id, min, wait }: Wish): ParsedRequest {
    const request = emptyRequest();
    this.#name(request, user, 0);
    request.amount = to === undefined ? amount : -amount;
    if (to !== undefined) this.#name(request.to, to, 256);
    request.wants = wait || to !== undefined ? Wants.wait : 0;
    if (id !== undefined) {
      request.wants |= Wants.id;
      request.id.set([id, id * 7, id * 13, 99]);
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

function whenReached(what: Commit | Position, tell: () => void): void {
  if (what.isReached) tell();
  else what.waiter = { reached: tell };
}

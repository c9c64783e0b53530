/**
 * Balances, as the clients of one node read them.
 *
 * A plain read is answered from what is applied here, once that has everything that this client has sent, and everything
 * that a majority has of what this node has sent; what other nodes have sent may be missing. A fresh one puts a mark into
 * the stream and is answered when that comes back: every block that was acknowledged before it lies before it, so it is
 * linearizable (Herlihy and Wing, https://doi.org/10.1145/78969.78972).
 */
import type { BalanceRequest } from '../engine/intake.ts';
import { Position } from '../engine/position.ts';
import { NOBODY } from '../engine/user-table.ts';
import { Wants } from '../protocol/request.ts';
import { Asked } from './asked.ts';
import type { Machine } from './machine.ts';
import type { Outbox } from './outbox.ts';

export class Reads {
  readonly #machine: Machine;
  readonly #outboxes: readonly Outbox[];
  readonly #names: DataView;

  /** `names` holds the name of the user when a balance is asked for. */
  constructor(machine: Machine, outboxes: readonly Outbox[], names: DataView) {
    this.#machine = machine;
    this.#outboxes = outboxes;
    this.#names = names;
  }

  /** The balance, if it may be read now. The blocks that the client's events are in: those of earlier visits, and this. */
  read(request: BalanceRequest, earlier?: Float64Array, now?: Float64Array): number | undefined {
    if ((request.wants & Wants.fresh) !== 0) return undefined;
    const partition = this.#machine.partitionOf(request.hash);
    if (this.#lastOf(partition, earlier, now) > this.#outboxes[partition]!.applied) return undefined;
    return this.#balanceOf(this.#machine.find(request, this.#names));
  }

  /**
   * As `read`, when that can be; called where it can't be yet. Behind events of this client that still gather, as for a
   * fresh one, the place is a mark in the block. `now` opens what this visit has written. Undefined: there is no room.
   */
  ask(
    request: BalanceRequest,
    earlier: Float64Array | undefined,
    now: () => Float64Array,
  ): Position | undefined {
    const partition = this.#machine.partitionOf(request.hash);
    const outbox = this.#outboxes[partition]!;
    const { nameAt, nameBytes, hash } = request;
    // The memory is read into again before the answer is known.
    const bytes = new Uint8Array(this.#names.buffer, this.#names.byteOffset + nameAt, nameBytes);
    const party = { name: Uint8Array.from(bytes), hash };
    const balance = () => this.#balanceOf(this.#machine.indexOf(party));
    const last = this.#lastOf(partition, earlier, now());
    if (last < outbox.number && (request.wants & Wants.fresh) === 0) {
      const position = new Position(0);
      outbox.whenApplied(last, () => position.reach(balance()));
      return position;
    }
    if (!outbox.hasRoom) return undefined;
    const position = new Asked(outbox.writer.addMark());
    // Balances that this client asks for next must not be older, though nothing waits for them.
    now()[partition] = outbox.number;
    position.decided = () => position.reach(balance());
    outbox.wait(position);
    return position;
  }

  #balanceOf(user: number): number {
    return user === NOBODY ? 0 : this.#machine.balances[user]!;
  }

  /** The last own block of a partition that must be applied before the client may read. */
  #lastOf(partition: number, earlier: Float64Array | undefined, now: Float64Array | undefined): number {
    const { stored } = this.#outboxes[partition]!;
    return Math.max(stored, earlier?.[partition] ?? 0, now?.[partition] ?? 0);
  }
}

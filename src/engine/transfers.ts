/**
 * Transfers between users of different workers, on the socket thread.
 *
 * The first half is an event of who gives: its worker decides, and takes the amount. Then the amount is *in transit*,
 * and the second half, a slot in the lane of who gets, is owed: it is pushed when the first was decided. It can only be
 * refused if it would overflow; then the amount goes back. The owners never wait for one another, and what is owed is
 * known to this thread, so it survives any worker; a journal knows it, too (journal/transits.ts).
 */
import { Outcome } from '../protocol/outcome.ts';
import { type ParsedRequest, Wants } from '../protocol/request.ts';
import { OVERFLOWED, outcomeOf } from './deciding.ts';
import { ExtraKind } from './extra.ts';
import type { Lane } from './lane.ts';
import { Position } from './position.ts';
import { NOBODY, type UserTable } from './user-table.ts';

/** What is owed, from a journal. */
export interface Owed {
  number: number;
  /** Positive. */
  amount: number;
  from: number;
  to: number;
  hasId: boolean;
  id: Int32Array;
  /** It goes back to `from`. */
  isRefused: boolean;
}

/** A refund that would overflow is tried again: the user may spend meanwhile. */
const RETRY_MS = 100;
const NO_ID = new Int32Array(4);

export class Transfers {
  /** Exactly: it may go beyond what a balance can be. */
  #inTransit = 0n;
  /** Halves that are owed, and can be paid. */
  #owed = 0;
  #next: number;
  /** By the user and the id, those whose second half is owed: a repeat waits for their end. */
  readonly #byId = new Map<string, Transfer>();
  #onIdle: () => void = () => {};

  constructor(firstNumber: number) {
    this.#next = firstNumber;
  }

  /** The sum of what is in transit. */
  get inTransit(): number {
    return Number(this.#inTransit);
  }

  /** How many are owed something that can be paid. */
  get owed(): number {
    return this.#owed;
  }

  /**
   * Pushes a transfer, whole or its first half, and adds its users if they are new: the table must have room for them.
   * Returns its position, or the lane that has no room.
   */
  submit(
    request: ParsedRequest,
    lane: Lane,
    toLane: Lane,
    users: UserTable,
    names: DataView,
  ): Position | Lane {
    const { to } = request;
    let user = users.find(request);
    let other = users.find(to);
    const isNew = user === NOBODY;
    const isOtherNew = other === NOBODY;
    const isLocal = lane === toLane;
    // Whoever reads the journal of one lane alone must find the name of the other user in it.
    const tellsOther = lane.isRecorded && (isOtherNew || !isLocal);
    if (!lane.hasRoomForTransfer(isNew ? request.nameBytes : 0, tellsOther ? to.nameBytes : 0)) return lane;
    if (!isLocal) {
      const hasRoom = isOtherNew ? toLane.hasRoomForNew(to.nameBytes, false) : toLane.ring.hasRoom();
      if (!hasRoom || this.#owed >= toLane.ring.capacity) return toLane;
    }
    if (isNew) {
      user = users.add(request);
      lane.addName(user, names, request);
    }
    if (isOtherNew) {
      other = users.add(to);
      if (!isLocal && toLane.isRecorded) {
        toLane.addName(other, names, to);
        toLane.pushFirst(other);
      }
    }
    if (tellsOther) lane.addName(other, names, to);
    if (isLocal) {
      const position = new Position(0);
      this.#push(lane, position, user, request, ExtraKind.transfer, other, 0);
      return position;
    }
    const hasId = (request.wants & Wants.id) !== 0;
    const id = hasId ? request.id.slice() : NO_ID;
    const sides: [Side, Side] = [
      { user, lane },
      { user: other, lane: toLane },
    ];
    const transfer = new Transfer(this, this.#next++, -request.amount, ...sides, hasId, id);
    this.#push(lane, transfer, user, request, ExtraKind.debit, other, transfer.number);
    return transfer;
  }

  #push(
    lane: Lane,
    position: Position,
    user: number,
    request: ParsedRequest,
    kind: ExtraKind,
    other: number,
    number: number,
  ): void {
    if (!lane.tryAskRich(position, user, request, kind, other, number))
      throw new Error('there was to be room for a transfer');
  }

  /** The first half was decided. */
  debited(transfer: Transfer, answer: number, isRepeat: boolean): void {
    if (outcomeOf(answer) !== Outcome.accepted) {
      transfer.end(answer);
      return;
    }
    if (isRepeat) {
      const first = this.#byId.get(transfer.key);
      if (first === undefined) transfer.end(answer);
      else first.repeats.push(transfer);
      return;
    }
    transfer.answer = answer;
    this.#inTransit += BigInt(transfer.amount);
    this.#owed += 1;
    if (transfer.hasId) this.#byId.set(transfer.key, transfer);
    this.#pay(transfer, ExtraKind.credit);
  }

  /** Pays what a journal says is owed; resolves when it is paid. */
  settle(owed: readonly Owed[], laneOf: (user: number) => Lane): Promise<void> {
    for (const { number, amount, from, to, hasId, id, isRefused } of owed) {
      const side = (user: number) => ({ user, lane: laneOf(user) });
      const transfer = new Transfer(this, number, amount, side(from), side(to), hasId, id);
      this.#inTransit += BigInt(amount);
      this.#owed += 1;
      this.#pay(transfer, isRefused ? ExtraKind.refund : ExtraKind.credit);
    }
    return new Promise(resolve => {
      this.#onIdle = resolve;
      if (this.#owed === 0) resolve();
    });
  }

  #pay(transfer: Transfer, kind: ExtraKind): void {
    const isRefund = kind === ExtraKind.refund;
    const { user, lane } = isRefund ? transfer.from : transfer.to;
    const { amount, number, id, hasId } = transfer;
    const half = new Half(answer => this.#paid(transfer, kind, answer));
    const event = { amount, id, wants: isRefund && hasId ? Wants.id : 0, min: 0 };
    const other = isRefund ? 0 : transfer.from.user;
    if (lane.tryAskRich(half, user, event, kind, other, number)) lane.publish();
    else lane.whenRoom(() => this.#pay(transfer, kind));
  }

  #paid(transfer: Transfer, kind: ExtraKind, answer: number): void {
    const isDone = outcomeOf(answer) === Outcome.accepted;
    if (kind === ExtraKind.credit && !isDone) {
      transfer.answer = OVERFLOWED;
      this.#pay(transfer, ExtraKind.refund);
      return;
    }
    if (isDone) this.#inTransit -= BigInt(transfer.amount);
    else setTimeout(() => this.#pay(transfer, kind), RETRY_MS).unref();
    if (transfer.isReached) return;
    // Its id may have been forgotten, and be that of another one.
    if (this.#byId.get(transfer.key) === transfer) this.#byId.delete(transfer.key);
    for (const repeat of transfer.repeats) repeat.end(transfer.answer);
    transfer.end(transfer.answer);
    this.#owed -= 1;
    if (this.#owed === 0) this.#onIdle();
  }
}

interface Side {
  user: number;
  lane: Lane;
}

/** The position of its first half; it is reached when both halves are decided. */
export class Transfer extends Position {
  readonly number: number;
  /** Positive. */
  readonly amount: number;
  readonly from: Side;
  readonly to: Side;
  readonly hasId: boolean;
  readonly id: Int32Array;
  /** Of the first half, once it was decided. */
  answer = Number.NaN;
  /** Others with the same id, which wait for the end of this one. */
  readonly repeats: Transfer[] = [];
  readonly #transfers: Transfers;

  constructor(
    transfers: Transfers,
    number: number,
    amount: number,
    from: Side,
    to: Side,
    hasId: boolean,
    id: Int32Array,
  ) {
    super(0);
    this.#transfers = transfers;
    this.number = number;
    this.amount = amount;
    this.from = from;
    this.to = to;
    this.hasId = hasId;
    this.id = id;
  }

  get key(): string {
    return this.hasId ? `${this.from.user} ${this.id.join(' ')}` : '';
  }

  override answered(answers: Float64Array, place: number, repeats: Uint8Array): void {
    this.#transfers.debited(this, answers[place]!, repeats[place] === 1);
  }

  end(answer: number): void {
    this.reach(answer);
  }
}

class Half extends Position {
  readonly #onReached: (answer: number) => void;

  constructor(onReached: (answer: number) => void) {
    super(0);
    this.#onReached = onReached;
  }

  override reach(answer: number): void {
    this.#onReached(answer);
  }
}

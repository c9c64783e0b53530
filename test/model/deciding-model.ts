/**
 * What becomes of events with ids and minimums, and of transfers, in the words of the contract: big integers, lists, and
 * no ring, hash or thread. Each lane decides its entries in their order. Of a transfer between two lanes the engine says
 * when it hands in the second half; the model says whether that was owed, just once, and what comes of it.
 */
import assert from 'node:assert/strict';
import { OVERFLOWED, refusal } from '../../src/engine/deciding.ts';
import { Outcome } from '../../src/protocol/outcome.ts';
import { type Group, Places, type Room } from './places.ts';

export const USERS = 10;
export const LANES = 2;
/** Users of a lane have numbers in between: transfers are within a lane or across. */
export const laneOf = (user: number) => user % LANES;
/** Who waits for room is told when there is some; and whenever a successor says that it is there. */
const TRIES_MAX = 3;
const LIMIT = BigInt(Number.MAX_SAFE_INTEGER);

export interface Request {
  user: number;
  /** Signed; what a transfer takes is negative. */
  amount: number;
  /** Of a transfer. */
  to?: number;
  id?: number;
  min?: number;
  isWaiting: boolean;
}

/** Somebody waits for what comes of an entry. */
export interface Ask {
  /** The balance, or a refusal, once it is decided. */
  answer: number | undefined;
  told: number | undefined;
  /** Its reply is made: who waits is told the outcome alone. */
  isPromised: boolean;
}

export type Half = 'credit' | 'refund';

interface Entry {
  request: Request;
  group: Group | undefined;
  kind: 'event' | 'reading' | 'transfer' | 'debit' | Half;
  ask: Ask | undefined;
  transit: Transit | undefined;
}

/** A transfer between two lanes. */
export interface Transit {
  request: Request;
  ask: Ask;
  /** `owed`: to who gets it; `refused`: back to who gave it. */
  state: 'new' | 'owed' | 'refused' | 'over';
  /** The half that is in a ring. */
  underWay: Half | undefined;
  /** The engine has begun to pay it. */
  isBegun: boolean;
  /** How often there was no room since a worker had moved last. */
  tries: number;
  triedAt: number;
  /** Of the first half. */
  answer: number;
  /** What the first one and its repeats hear in the end. */
  final: number | undefined;
  repeats: Ask[];
}

/** An id that is remembered. */
interface Known {
  key: string;
  use: string;
  answer: number;
  timeMs: number;
  transit: Transit | undefined;
}

const OUTCOMES = ['processed', 'overflowed', 'insufficient', 'reused', 'duplicate', 'idsFull'] as const;

export class Model {
  readonly capacity: number;
  readonly #idsMax: number;
  readonly #idsMs: number;
  nowMs = 1_000;
  readonly balances: bigint[] = Array<bigint>(USERS).fill(0n);
  /** What lies in each ring, of which the first `visible` are published. */
  readonly rings: Entry[][] = Array.from({ length: LANES }, () => []);
  readonly visible: number[] = Array<number>(LANES).fill(0);
  /** Of each lane. */
  readonly #places: Places[];
  readonly #ids: Known[][] = Array.from({ length: LANES }, () => []);
  readonly asks: Ask[] = [];
  /** By the number that the engine gave it. */
  readonly transits = new Map<number, Transit>();
  accepted = 0;
  refused = 0;
  /** How often a worker has worked, or died. */
  moves = 0;
  deaths = 0;
  readonly counts = Object.fromEntries(OUTCOMES.map(outcome => [outcome, 0])) as Record<
    (typeof OUTCOMES)[number],
    number
  >;
  /** What plain events have brought in: no transfer changes the sum of all balances and what is in transit. */
  broughtIn = 0n;

  constructor(capacity: number, idsMax: number, idsMs: number) {
    this.capacity = capacity;
    this.#places = Array.from({ length: LANES }, () => new Places(capacity));
    this.#idsMax = idsMax;
    this.#idsMs = idsMs;
  }

  get inTransit(): bigint {
    let sum = 0n;
    for (const { state, request } of this.transits.values())
      if (state === 'owed' || state === 'refused') sum -= BigInt(request.amount);
    return sum;
  }

  /** Second halves that the engine has begun to pay, and not told of. */
  get owed(): number {
    return [...this.transits.values()].filter(({ isBegun, ask }) => isBegun && ask.told === undefined).length;
  }

  get ids(): number {
    return this.#ids.reduce((sum, ids) => sum + ids.length, 0);
  }

  isFull(lane: number): boolean {
    return this.rings[lane]!.length >= this.capacity;
  }

  /** Whether there is a slot and, for who asks, a place for the answer: certainly, or perhaps. */
  #roomIn(lane: number, isAsked: boolean): Room {
    const isFull = this.isFull(lane);
    if (isFull || !isAsked) return { must: !isFull, may: !isFull };
    return this.#places[lane]!.room;
  }

  /** Throws unless it may just now have been accepted, or refused. */
  expectRoom({ user, to }: Request, isAsked: boolean, isIn: boolean): void {
    const rooms = [this.#roomIn(laneOf(user), isAsked)];
    if (to !== undefined && laneOf(to) !== laneOf(user)) {
      const isPayable = this.owed < this.capacity;
      rooms.push(this.#roomIn(laneOf(to), false), { must: isPayable, may: isPayable });
    }
    if (isIn) assert.ok(rooms.every(({ may }) => may));
    else assert.ok(!rooms.every(({ must }) => must));
  }

  newAsk(isPromised = false): Ask {
    const ask: Ask = { answer: undefined, told: undefined, isPromised };
    this.asks.push(ask);
    return ask;
  }

  /**
   * An event, a transfer, or a request for a balance was accepted. `number`: of a transfer between two lanes; `visit`: of an
   * event whose reply is made.
   */
  accept(request: Request, ask: Ask | undefined, number?: number, visit?: object): void {
    const { user, to, amount } = request;
    let kind: Entry['kind'] = amount === 0 ? 'reading' : 'event';
    let transit: Transit | undefined;
    if (to !== undefined) kind = number === undefined ? 'transfer' : 'debit';
    if (number !== undefined) {
      transit = {
        ...{ request, ask: ask!, state: 'new', underWay: undefined, isBegun: false },
        ...{ answer: Number.NaN, final: undefined, repeats: [], tries: 0, triedAt: 0 },
      };
      this.transits.set(number, transit);
    }
    const lane = laneOf(user);
    const group = ask === undefined ? undefined : this.#places[lane]!.take(visit);
    this.rings[lane]!.push({ request, group, kind, ask, transit });
    if (kind !== 'reading') this.accepted += 1;
  }

  publish(lane: number): void {
    this.visible[lane] = this.rings[lane]!.length;
  }

  /** The engine hands in the second half of a transfer: is that what is owed? `isIn`: there was room. */
  pay(kind: Half, user: number, amount: number, number: number, isIn: boolean): void {
    const transit = this.transits.get(number);
    assert.ok(transit !== undefined, `there is no transfer ${number}`);
    const { request, state, underWay } = transit;
    assert.deepEqual(
      { kind, user, amount, underWay },
      {
        kind: state === 'owed' ? 'credit' : 'refund',
        user: state === 'owed' ? request.to : request.user,
        amount: -request.amount,
        underWay: undefined,
      },
    );
    assert.ok(state === 'owed' || state === 'refused', `transfer ${number} is ${state}`);
    transit.isBegun = true;
    const lane = laneOf(user);
    const { must, may } = this.#roomIn(lane, true);
    assert.ok(isIn ? may : !must);
    if (!isIn) {
      transit.tries = transit.triedAt === this.moves ? transit.tries + 1 : 1;
      transit.triedAt = this.moves;
      assert.ok(transit.tries <= TRIES_MAX + this.deaths, `transfer ${number} is tried again and again`);
      return;
    }
    transit.underWay = kind;
    const entry = { request: { user, amount, isWaiting: false }, kind, ask: undefined, transit };
    this.rings[lane]!.push({ ...entry, group: this.#places[lane]!.take(undefined) });
    this.publish(lane);
  }

  /** An owner that died in a run may have forgotten what it could, or not: it remembers so many ids. */
  died(lane: number, count: number, ids: number): void {
    const isOld = ids < this.#ids[lane]!.length && this.rings[lane]!.slice(0, count).some(isRich);
    if (isOld) this.#forget(lane);
    assert.equal(ids, this.#ids[lane]!.length);
  }

  /** The owner decides the next `count` entries, as one run. */
  apply(lane: number, count: number): void {
    const run = this.rings[lane]!.splice(0, count);
    this.visible[lane]! -= count;
    if (run.some(isRich)) this.#forget(lane);
    for (const entry of run) {
      const { ask, kind, group } = entry;
      if (group !== undefined) group.applied += 1;
      if (kind === 'credit') this.#credit(entry.transit!);
      else if (kind === 'refund') this.#refund(entry.transit!);
      else {
        const answer = this.#decide(lane, entry);
        if (ask !== undefined) ask.answer = answer;
      }
    }
  }

  #forget(lane: number): void {
    const ids = this.#ids[lane]!;
    const nowMs = this.#timeOf(lane);
    while (ids.length > 0 && nowMs - ids[0]!.timeMs > this.#idsMs) ids.shift();
  }

  /** Clocks may be set back; the time of a lane does not go back. */
  #timeOf(lane: number): number {
    return Math.max(this.nowMs, this.#ids[lane]!.at(-1)?.timeMs ?? 0);
  }

  /** Undefined: it waits for the end of a transfer. */
  #decide(lane: number, entry: Entry): number | undefined {
    const { request, transit, ask } = entry;
    if (request.id === undefined) return this.#apply(entry);
    const key = `${request.user} ${request.id}`;
    const use = JSON.stringify([request.amount, request.to, request.min, request.isWaiting]);
    const ids = this.#ids[lane]!;
    const known = ids.find(each => each.key === key);
    if (known !== undefined) {
      // It is no transfer of its own.
      if (transit !== undefined) transit.state = 'over';
      if (known.use !== use) {
        this.counts.reused += 1;
        return refusal(Outcome.idReused);
      }
      this.counts.duplicate += 1;
      if (known.transit === undefined || known.transit.final !== undefined) return finalOf(known);
      known.transit.repeats.push(ask!);
      return undefined;
    }
    if (ids.length >= this.#idsMax) {
      if (transit !== undefined) transit.state = 'over';
      this.counts.idsFull += 1;
      return refusal(Outcome.serverBusy);
    }
    const answer = this.#apply(entry);
    ids.push({
      ...{ key, use, timeMs: this.#timeOf(lane), transit: transit?.state === 'owed' ? transit : undefined },
      answer: answer ?? transit!.answer,
    });
    return answer;
  }

  #apply({ request, kind, transit }: Entry): number | undefined {
    const { user, amount, to, min } = request;
    const sum = this.balances[user]! + BigInt(amount);
    const isLocal = kind === 'transfer';
    const otherSum = isLocal ? this.balances[to!]! - BigInt(amount) : 0n;
    if (transit !== undefined) transit.state = 'over';
    if (min !== undefined && sum < BigInt(min)) {
      this.counts.insufficient += 1;
      return refusal(Outcome.insufficientBalance);
    }
    if (sum > LIMIT || sum < -LIMIT || otherSum > LIMIT) {
      if (amount !== 0) this.counts.overflowed += 1;
      return OVERFLOWED;
    }
    this.balances[user] = sum;
    if (isLocal) this.balances[to!] = otherSum;
    if (to === undefined) this.broughtIn += BigInt(amount);
    if (amount !== 0) this.counts.processed += 1;
    if (transit === undefined) return Number(sum);
    transit.state = 'owed';
    transit.answer = Number(sum);
    return undefined;
  }

  #credit(transit: Transit): void {
    const { request } = transit;
    const sum = this.balances[request.to!]! - BigInt(request.amount);
    transit.underWay = undefined;
    if (sum > LIMIT) {
      transit.state = 'refused';
      return;
    }
    this.balances[request.to!] = sum;
    transit.state = 'over';
    end(transit, transit.answer);
  }

  #refund(transit: Transit): void {
    const { request } = transit;
    const sum = this.balances[request.user]! - BigInt(request.amount);
    transit.underWay = undefined;
    // Whether there is room for it yet or not, the transfer was refused.
    end(transit, OVERFLOWED);
    if (sum > LIMIT) return;
    this.balances[request.user] = sum;
    transit.state = 'over';
    this.counts.processed -= 1;
    this.counts.overflowed += 1;
  }
}

function isRich({ kind, request: { id, min } }: Entry): boolean {
  return (kind !== 'event' && kind !== 'reading') || id !== undefined || min !== undefined;
}

function finalOf({ transit, answer }: Known): number {
  return transit?.final ?? answer;
}

function end(transit: Transit, answer: number): void {
  transit.final = answer;
  transit.ask.answer = answer;
  for (const repeat of transit.repeats) repeat.answer = answer;
}

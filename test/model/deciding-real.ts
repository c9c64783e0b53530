/**
 * The real engine, with workers that move only when they are told to, and requests as a parser would have filled them in.
 * Whoever uses it has to put `HandWorker` in the place of `Worker`, and to fake timers.
 */
import assert from 'node:assert/strict';
import { vi } from 'vitest';
import { Engine } from '../../src/engine/engine.ts';
import { ExtraKind } from '../../src/engine/extra.ts';
import { Lane } from '../../src/engine/lane.ts';
import type { Commit } from '../../src/engine/position.ts';
import { emptyRequest, type ParsedRequest, Wants } from '../../src/protocol/request.ts';
import { type Ask, type Half, LANES, laneOf, type Request, USERS } from './deciding-model.ts';
import { HandWorker } from './hand-worker.ts';

export const IDS_MS = 3;
/** Where names lie: of who gets, and of whoever is looked for while a request is under way. */
const TO = 256;
const ASIDE = 384;

export interface Promised {
  line: number;
  ask: Ask;
}

export class Real {
  readonly engine: Engine;
  readonly #names = new DataView(new ArrayBuffer(512));
  /** Told of each half of a transfer that is handed in. */
  onHalf: (kind: Half, user: number, amount: number, number: number, isIn: boolean) => void = () => {};
  /** Of the visit that goes on: its replies so far, and those that wait for the commit. */
  lines = 0;
  promised: Promised[] = [];
  readonly commits: { commit: Commit; promised: Promised[] }[] = [];

  constructor(capacity: number, idsMax: number, firstSequence: number) {
    const options = { workers: LANES, ring: capacity, users: 64, workUs: 0, work: 'cpu' as const };
    const rest = { idsMax: LANES * idsMax, idsMs: IDS_MS, firstSequence };
    const nothing = { onDeath: () => {}, onReplaced: () => {} };
    this.engine = new Engine(this.#names, { ...options, ...rest }, nothing);
    const push = Lane.prototype.tryAskRich;
    const note = (...half: Parameters<typeof this.onHalf>) => this.onHalf(...half);
    const userAt = (index: number) => this.#userAt(index);
    vi.spyOn(Lane.prototype, 'tryAskRich').mockImplementation(function (this: Lane, ...of) {
      const isIn = push.apply(this, of);
      const [, index, { amount }, kind = ExtraKind.event, , number = 0] = of;
      if (kind >= ExtraKind.credit)
        note(kind === ExtraKind.credit ? 'credit' : 'refund', userAt(index), amount, number, isIn);
      return isIn;
    });
  }

  static async open(capacity: number, idsMax: number, firstSequence: number): Promise<Real> {
    HandWorker.atWork.clear();
    HandWorker.mailMs = 0;
    const real = new Real(capacity, idsMax, firstSequence);
    const started = real.engine.workers.start();
    vi.advanceTimersByTime(0);
    await started;
    return real;
  }

  #userAt(index: number): number {
    for (let user = 0; user < USERS; user++)
      if (this.engine.users.find(this.#name(user, ASIDE)) === index) return user;
    return -1;
  }

  balanceOf(user: number): number {
    const index = this.engine.users.find(this.#name(user, ASIDE));
    return index < 0 ? 0 : HandWorker.atWork.get(0)!.balances[index]!;
  }

  /** The lane of a user is that of its shard. */
  #name(user: number, nameAt: number) {
    this.#names.setUint8(nameAt, 0x61 + user);
    return { nameAt, nameBytes: 1, hash: laneOf(user) << 24 };
  }

  parsed({ user, amount, to, id, min, isWaiting }: Request): ParsedRequest {
    const wants =
      (isWaiting ? Wants.wait : 0) | (id === undefined ? 0 : Wants.id) | (min === undefined ? 0 : Wants.min);
    const request = { ...emptyRequest(), ...this.#name(user, 0), amount, wants, min: min ?? 0 };
    if (to !== undefined) Object.assign(request.to, this.#name(to, TO));
    // All ids are in the same place of the index.
    if (id !== undefined) request.id.set([id << 8, 7, id, 9]);
    return request;
  }

  /** As at the end of a visit, or before a reply that waits by itself. */
  commit(): void {
    const commit = this.engine.commit();
    this.lines = 0;
    if (commit === undefined) assert.deepEqual(this.promised, []);
    else this.commits.push({ commit, promised: this.promised });
    this.promised = [];
  }
}

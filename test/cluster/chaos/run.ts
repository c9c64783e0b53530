/** One run: clients for some seconds, one fault or two meanwhile, then quiet, and a look at everything. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Outcome } from '../../../src/protocol/outcome.ts';
import { within } from '../../../src/tools/harness/waiting.ts';
import { randomFrom } from '../../../src/tools/load/random.ts';
import { type Deed, decidedAttempt, fateOf } from '../history.ts';
import { check, complaintOf, operationsOf } from '../linearizable.ts';
import { checkSessions } from '../sessions.ts';
import { checkIds, checkMoney, checkReplies, checkSums } from '../sums.ts';
import { Caller, type Shared, sharedBy } from './caller.ts';
import { type FaultName, faultsHere, type Planned, planFaults, playFaults } from './faults.ts';
import { askEach, type Balances, settle } from './settled.ts';
import type { Trio } from './trio.ts';
import { Wishes } from './wishes.ts';

const CLIENTS = 12;
const LOAD_MS = [2_500, 4_500] as const;
/** Faults begin in this part of the load. */
const FAULTS_WITHIN = 0.6;
/** The load goes on behind the last fault. */
const BEHIND_MS = 500;
const DECIDING_MS_MAX = 180_000;
/** Asked for again, on each node. */
const REPEATS = 150;

/** What one run saw. */
export interface Seen {
  readonly faults: readonly FaultName[];
  readonly complaints: readonly string[];
  readonly deeds: readonly Deed[];
  readonly balances: Balances;
  /** Histories of users that were searched, and searches that were cut off. */
  readonly histories: number;
  readonly undecided: number;
  /** Replies that were asked for once more. */
  readonly repeats: number;
  readonly counts: Readonly<
    Record<'events' | 'transfers' | 'returned' | 'insufficient' | 'reads' | 'fresh' | 'unknown', number>
  >;
  readonly shared: Pick<Shared, 'cuts' | 'resent' | 'busy' | 'connections'>;
}

export class Run {
  readonly #trio: Trio;
  readonly #random: () => number;
  readonly #wishes: Wishes;
  readonly #shared: Shared;
  readonly #planned: readonly Planned[];
  readonly #loadMs: number;

  constructor(trio: Trio, name: string, seed: number) {
    this.#trio = trio;
    this.#random = randomFrom(seed);
    const [least, most] = LOAD_MS;
    this.#loadMs = least + this.#random() * (most - least);
    const names = faultsHere(trio.diskOf !== undefined);
    this.#planned = planFaults(this.#random, names, this.#loadMs * FAULTS_WITHIN);
    this.#wishes = new Wishes(name, randomFrom(this.#random() * 2 ** 32));
    this.#shared = sharedBy(
      () => this.#wishes.next(),
      node => trio.nodes[node]!.port,
    );
  }

  async play(): Promise<Seen> {
    const shared = this.#shared;
    const rich: Deed = { wish: this.#wishes.first(), attempts: [] };
    shared.deeds.push(rich);
    shared.open.push(rich);
    const callers = Array.from(
      { length: CLIENTS },
      () => new Caller(shared, this.#trio.nodes.length, randomFrom(this.#random() * 2 ** 32)),
    );
    const all = Promise.all(callers.map(caller => caller.run()));
    // What went wrong in them is told below.
    all.catch(() => {});
    await Promise.all([
      sleep(this.#loadMs),
      playFaults(this.#trio, this.#planned).then(() => sleep(BEHIND_MS)),
    ]);
    shared.isOver = true;
    await this.#trio.heal();
    if ((await within(DECIDING_MS_MAX, all)) === undefined)
      throw new Error(`after ${DECIDING_MS_MAX / 1_000} s, ${shared.open.length} events are not decided`);
    return this.#look();
  }

  async #look(): Promise<Seen> {
    const { deeds, complaints, lived } = this.#shared;
    const ports = this.#trio.nodes.map(({ port }) => port!);
    const users = [
      ...new Set(deeds.flatMap(({ wish: { user, to } }) => (to === undefined ? [user] : [user, to]))),
    ];
    const next = () => {
      this.#shared.connections += 1;
      lived.add(this.#shared.connections);
      return this.#shared.connections;
    };
    const settled = await settle(ports, users, next);
    const history = [...deeds, ...settled.deeds];
    const repeats = await this.#repeat(ports, next);
    const behind = await settle(ports, users, next);
    const changed = users.filter(user => behind.balances[0]!.get(user) !== settled.balances[0]!.get(user));
    const sums = checkSums(history, settled.balances);
    const searched = searchAll(history);
    const all = [
      ...complaints,
      ...this.#trio.complaints(),
      ...settled.complaints,
      ...behind.complaints,
      ...changed.map(user => `what was decided was applied again: ${user} has other balances after repeats`),
      ...checkReplies(history, connection => lived.has(connection)),
      ...checkIds(history),
      ...sums.complaints,
      ...checkMoney(history, settled.balances),
      ...checkSessions(history),
      ...searched.complaints,
    ];
    return {
      faults: this.#planned.map(({ fault }) => fault),
      complaints: all,
      deeds: history,
      balances: settled.balances[0]!,
      histories: searched.histories,
      undecided: searched.undecided + sums.undecided,
      repeats,
      counts: countsOf(deeds),
      shared: this.#shared,
    };
  }

  /** Some of what has an id, on every node: the replies must be what they were. */
  async #repeat(ports: readonly number[], next: () => number): Promise<number> {
    const withId = this.#shared.deeds.filter(({ wish }) => wish.id !== undefined);
    let repeats = 0;
    for (const [node, port] of ports.entries()) {
      const some = withId.filter(() => this.#random() < REPEATS / withId.length);
      repeats += some.length;
      await askEach(port, node, some, next());
    }
    return repeats;
  }
}

/** User by user. */
function searchAll(history: readonly Deed[]): { complaints: string[]; undecided: number; histories: number } {
  const complaints: string[] = [];
  let undecided = 0;
  const byUser = operationsOf(history);
  for (const [user, operations] of byUser) {
    const verdict = check(operations);
    if (verdict.is === 'undecided') undecided += 1;
    if (verdict.is === 'wrong') complaints.push(complaintOf(user, operations, verdict.culprit));
  }
  return { complaints, undecided, histories: byUser.size };
}

function countsOf(deeds: readonly Deed[]): Seen['counts'] {
  const count = (is: (deed: Deed) => boolean) => deeds.filter(is).length;
  return {
    events: count(deed => deed.wish.kind === 'event' && fateOf(deed) === 'applied'),
    transfers: count(deed => deed.wish.kind === 'transfer' && fateOf(deed) === 'applied'),
    returned: count(deed => fateOf(deed) === 'returned'),
    insufficient: count(deed => decidedAttempt(deed)?.reply.outcome === Outcome.insufficientBalance),
    reads: count(({ wish }) => wish.kind === 'balance'),
    fresh: count(({ wish }) => wish.kind === 'fresh'),
    unknown: count(deed => fateOf(deed) === 'unknown' && deed.wish.kind === 'event'),
  };
}

/** The life of a cluster in memory (world.ts). The seed draws all of it. */
import { Outcome } from '../../src/protocol/outcome.ts';
import { type Deed, decidedAttempt, fateOf, isDecided, nameOf, type Wish } from './history.ts';
import { check, complaintOf, operationsOf } from './linearizable.ts';
import { Savers } from './savers.ts';
import { checkSessions } from './sessions.ts';
import { checkIds, checkReplies, checkSums } from './sums.ts';
import { type Connection, isRead, type Seat, World } from './world.ts';

const NODES = 3;
const ROUNDS = 120;
const PAYERS = 8;
/** At a time. */
const SAVERS = 3;
const RESENDS_MAX = 5;
const COMPLAINTS_MAX = 3;

export interface Seen {
  kills: number;
  resent: number;
  insufficient: number;
  transfers: number;
  /** Transfers that were refused when half of them was done, perhaps. */
  returned: number;
  reads: number;
  fresh: number;
  undecided: number;
}

/** Lives, and throws if anything was not what it must be. */
export function live(seed: number): Seen {
  return new Life(seed).live();
}

class Life {
  readonly #seed: number;
  readonly #random: () => number;
  readonly #world: World;
  readonly #deeds: Deed[] = [];
  readonly #connections: Connection[] = [];
  /** A few users with all that a balance can hold, and few places for users: what is paid comes back. */
  readonly #isFull: boolean;
  /** Of so many rounds one ends with a death. */
  readonly #killing: number;
  readonly #savers: Savers;
  #lastUser: string;
  #kills = 0;
  #resent = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = randomFrom(seed);
    this.#savers = new Savers(` of ${seed}`);
    this.#lastUser = this.#payer();
    this.#isFull = this.#random() < 0.4;
    this.#killing = this.#random() < 0.3 ? 0.2 : 0.05;
    this.#world = new World(NODES, this.#random, { users: this.#isFull ? PAYERS + SAVERS : 400 });
  }

  live(): Seen {
    try {
      if (this.#isFull) this.#enrich();
      for (let round = 0; round < ROUNDS; round++) this.#round();
      this.#decide();
      this.#readAll();
      return this.#check();
    } catch (error) {
      throw new Error(`seed ${this.#seed}: ${(error as Error).message}`, { cause: error });
    } finally {
      this.#world.stop();
    }
  }

  /** One whose balance is so high that nobody can pay it much. */
  #enrich(): void {
    const amount = Number.MAX_SAFE_INTEGER - 20;
    this.#visit([this.#deed({ kind: 'event', user: this.#payer(0), amount, isWaiting: true })]);
  }

  #round(): void {
    const deeds = Array.from({ length: 1 + this.#below(3) }, () => this.#deed(this.#wish()));
    this.#visit(deeds);
    // The same again, elsewhere, at once.
    for (const deed of deeds) if (deed.wish.id !== undefined && this.#random() < 0.1) this.#visit([deed]);
    for (let steps = this.#below(16); steps > 0; steps--) this.#world.step();
    if (this.#random() < this.#killing) {
      this.#kills += 1;
      this.#world.kill(this.#below(NODES));
    }
    // Time passes at times: then halves of transfers are late.
    if (this.#random() < 0.1) {
      this.#world.nowMs += this.#below(4_000);
      for (const { node } of this.#world.seats) node.sendHalves();
    }
  }

  /** Over a connection that is there, or a new one; if there is a node that serves. */
  #visit(deeds: readonly Deed[]): void {
    const index = this.#below(NODES);
    const known = this.#connections.filter(each => each.index === index && this.#world.lives(each));
    const isNew = known.length === 0 || this.#random() < 0.2;
    const connection = isNew ? this.#world.connect(index) : known[this.#below(known.length)];
    if (connection === undefined) return;
    if (isNew) this.#connections.push(connection);
    this.#world.visit(connection, deeds);
  }

  #deed(wish: Wish): Deed {
    const deed: Deed = { wish, attempts: [] };
    this.#deeds.push(deed);
    return deed;
  }

  #wish(): Wish {
    const random = this.#random;
    const drawn = random();
    if (drawn < 0.3) return { kind: drawn < 0.1 ? 'fresh' : 'balance', user: this.#lastUser, amount: 0 };
    const isTransfer = drawn < 0.6;
    const payer = this.#below(PAYERS);
    const gift = isTransfer
      ? { user: this.#payer((payer + 1 + this.#below(PAYERS - 1)) % PAYERS), amount: 1 + this.#below(50) }
      : { user: this.#payer(payer), amount: (random() < 0.4 ? -1 : 1) * (1 + this.#below(50)) };
    const choice = this.#below(SAVERS);
    const isToSaver = random() < (isTransfer ? 0.3 : 0.5);
    const give = () => (isTransfer ? this.#savers.transfer(choice) : this.#savers.event(choice));
    const { user, amount } = isToSaver ? give() : gift;
    // Who asks is often interested in what was just done.
    if (random() < 0.7) this.#lastUser = user;
    const base = {
      amount,
      ...(random() < 0.6 && { id: String(this.#deeds.length) }),
      ...(random() < 0.2 && { min: -this.#below(100) }),
    };
    if (isTransfer) return { kind: 'transfer', user: this.#payer(payer), to: user, ...base };
    // Where it may be refused, what was accepted beforehand would say little.
    const mustTell = user === this.#payer(0) && base.id === undefined;
    return { kind: 'event', user, ...base, isWaiting: mustTell || random() < 0.3 };
  }

  #payer(number = this.#below(PAYERS)): string {
    return `payer ${number} of ${this.#seed}`;
  }

  /** What has an id is sent again until it is decided. */
  #decide(): void {
    this.#world.settle();
    for (let round = 0; round < RESENDS_MAX; round++) {
      const open = this.#deeds.filter(
        deed => deed.wish.id !== undefined && decidedAttempt(deed) === undefined,
      );
      for (const deed of open) {
        this.#resent += 1;
        this.#visit([deed]);
      }
      this.#world.settle();
    }
    // Now there is room for what had to come back.
    if (this.#isFull) {
      const [user, amount] = [this.#payer(0), -Number.MAX_SAFE_INTEGER];
      this.#visit([this.#deed({ kind: 'event', user, amount, isWaiting: true })]);
    }
    // Each is asked for once more, on any node.
    for (const deed of this.#deeds) if (deed.wish.id !== undefined) this.#visit([deed]);
    this.#world.settle();
  }

  /** The balances that all nodes end with are part of the history. */
  #readAll(): void {
    const users = [
      ...new Set(this.#deeds.flatMap(({ wish: { user, to } }) => (to === undefined ? [user] : [user, to]))),
    ];
    for (let index = 0; index < NODES; index++) {
      const connection = this.#world.connect(index)!;
      this.#connections.push(connection);
      for (const kind of ['fresh', 'balance'] as const)
        this.#world.visit(
          connection,
          users.map(user => this.#deed({ kind, user, amount: 0 })),
        );
      this.#world.settle();
    }
  }

  #check(): Seen {
    const deeds = this.#deeds.filter(({ attempts }) => attempts.length > 0);
    const living = new Set(
      this.#connections.filter(each => this.#world.lives(each)).map(({ number }) => number),
    );
    const sums = checkSums(deeds, this.#world.seats.map(balancesOf));
    const complaints = [
      ...checkReplies(deeds, connection => living.has(connection)),
      ...checkIds(deeds),
      ...sums.complaints,
      ...this.#disagreements(),
      ...checkSessions(deeds),
      ...unexpected(deeds),
    ];
    let { undecided } = sums;
    for (const [user, operations] of operationsOf(deeds)) {
      const verdict = check(operations);
      if (verdict.is === 'undecided') undecided += 1;
      if (verdict.is === 'wrong') complaints.push(complaintOf(user, operations, verdict.culprit));
    }
    if (complaints.length > 0)
      throw new Error(`${complaints.length} complaints:\n${complaints.slice(0, COMPLAINTS_MAX).join('\n')}`);
    return this.#seen(deeds, undecided);
  }

  /** What nodes have beside balances is the same, and nothing is between two accounts. */
  #disagreements(): string[] {
    const busy = this.#world.seats.filter(
      ({ node }) => !node.areRingsEmpty || node.blocksUnderWay > 0 || node.counts().queued > 0,
    );
    const states = this.#world.seats.map(({ machine }) => {
      const ids = machine.parts.map(part => part.ids.count);
      const users = machine.parts.map(part => part.users);
      const chains = [...machine.credits, ...machine.refunds].flat();
      const open = chains.reduce((sum, chain) => sum + chain.open.size, 0);
      const passed = chains.map(chain => `${chain.issued} ${chain.passed}`);
      return JSON.stringify({ ids, users, inTransit: machine.inTransit, open, passed });
    });
    const isOver = states[0]!.includes('"inTransit":0,"open":0');
    return [
      ...(busy.length > 0 ? [`${busy.length} nodes wait for something`] : []),
      ...(new Set(states).size > 1 ? [`nodes disagree: ${states.join('\n')}`] : []),
      ...(isOver ? [] : [`transfers are not over: ${states[0]}`]),
    ];
  }

  #seen(deeds: readonly Deed[], undecided: number): Seen {
    const count = (is: (deed: Deed) => boolean) => deeds.filter(is).length;
    const fates = new Map(deeds.map(deed => [deed, fateOf(deed)]));
    return {
      ...{ kills: this.#kills, resent: this.#resent, undecided },
      insufficient: count(deed => decidedAttempt(deed)?.reply.outcome === Outcome.insufficientBalance),
      transfers: count(deed => deed.wish.kind === 'transfer' && fates.get(deed) === 'applied'),
      returned: count(deed => fates.get(deed) === 'returned'),
      reads: count(({ wish }) => wish.kind === 'balance'),
      fresh: count(({ wish }) => wish.kind === 'fresh'),
    };
  }

  #below(end: number): number {
    return Math.floor(this.#random() * end);
  }
}

/** Refusals for which there is no reason, and balances below the minimum. */
function unexpected(deeds: readonly Deed[]): string[] {
  return deeds.flatMap(({ wish, attempts }) => {
    const { min = Number.NEGATIVE_INFINITY } = wish;
    return attempts.flatMap(({ reply }) => {
      if (reply === undefined) return [];
      const { outcome, balance } = reply;
      if (!isDecided(reply) || outcome === Outcome.idReused)
        return [`a reply without a reason: ${nameOf(outcome)} to ${JSON.stringify(wish)}`];
      const isBelow = !isRead(wish) && balance !== undefined && balance < min;
      return isBelow ? [`below its minimum: ${balance} after ${JSON.stringify(wish)}`] : [];
    });
  });
}

function balancesOf({ machine }: Seat): Map<string, number> {
  const balances = new Map<string, number>();
  machine.users.visit((bytes, at, length, index) => {
    balances.set(Buffer.from(bytes.subarray(at, at + length)).toString(), machine.balances[index]!);
  });
  return balances;
}

/** Mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

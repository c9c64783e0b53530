/**
 * The built-in load and its check: a payer at each node, and every second or two each node that runs is asked for the
 * balances that stand still. They must be what the answers say, to the last unit.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../../harness/client.ts';
import { Books, type UserSet } from './books.ts';
import { type Counter, Payer } from './payer.ts';

const ROUND_MS = 1_000;
const LOOK_MS = 20;
/** For the answers of one node. */
const CHECK_MS_MAX = 5_000;
/** How long payments go on behind a kill before it is believed that what it has held up is over. */
const PROOF_MS = 1_000;

/** What the last check has found. */
export interface Checked {
  /** Accepted payments whose money was looked for. */
  readonly accepted: number;
  /** Names of nodes that have all of it. */
  readonly nodes: readonly string[];
}

/** Acknowledgements since something was killed. */
export interface Outage {
  /** The longest time without one, in ms. */
  readonly longestMs: number;
  /** All that was sent before and a while after is answered. */
  readonly isOver: boolean;
}

export class Load {
  readonly books = new Books();
  readonly #counters: readonly Counter[];
  readonly #payers: readonly Payer[];
  readonly #onWrong: (what: string) => void;
  readonly #roundMs: number;
  readonly #over: Promise<void>;
  #killedMs = 0;
  #isStopped = false;
  #checked: Checked = { accepted: 0, nodes: [] };
  /** By set: what the last check of it has found. */
  readonly #found = new Map<UserSet, Checked>();

  /** `onWrong` is told what is not as it must be. The sets take turns after `roundMs` at least. */
  constructor(counters: readonly Counter[], onWrong: (what: string) => void, roundMs = ROUND_MS) {
    this.#roundMs = roundMs;
    this.#counters = counters;
    this.#onWrong = onWrong;
    this.#payers = counters.map((_, home) => new Payer(this.books, counters, home, onWrong));
    this.#over = this.#check();
  }

  get isOn(): boolean {
    return this.#payers.some(({ isOn }) => isOn);
  }

  set isOn(isOn: boolean) {
    for (const payer of this.#payers) payer.isOn = isOn;
  }

  get resent(): number {
    return this.#payers.reduce((sum, { resent }) => sum + resent, 0);
  }

  /** Payments that are not decided. */
  get open(): number {
    return this.#payers.reduce((sum, { open }) => sum + open, 0);
  }

  get checked(): Checked {
    return this.#checked;
  }

  /** For how long no answer has come to a payer that waits for one, in ms. */
  get silentMs(): number {
    const nowMs = performance.now();
    return Math.max(0, ...this.#payers.filter(({ open }) => open > 0).map(payer => nowMs - payer.answeredMs));
  }

  /** Something is killed now. */
  killed(): void {
    this.#killedMs = performance.now();
    for (const payer of this.#payers) payer.gapMs = 0;
  }

  outage(): Outage {
    const untilMs = this.#killedMs + PROOF_MS;
    const isOver =
      performance.now() > untilMs &&
      this.#payers.every(({ decidedUpToMs, open }) => open === 0 || decidedUpToMs > untilMs);
    const longestMs = Math.max(this.silentMs, ...this.#payers.map(({ gapMs }) => gapMs));
    return { longestMs, isOver };
  }

  /**
   * When all that was sent is decided: what the nodes that run have of it. Undefined: it was not decided, or not known
   * everywhere, within the time.
   */
  async settled(limitMs: number): Promise<Checked | undefined> {
    this.isOn = false;
    const endMs = performance.now() + limitMs;
    const isAllThere = () =>
      this.open === 0 &&
      this.#checked.accepted === this.books.accepted &&
      this.#checked.nodes.length === this.#counters.length;
    while (!isAllThere() && performance.now() < endMs) await sleep(LOOK_MS);
    return isAllThere() ? this.#checked : undefined;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([this.#over, ...this.#payers.map(payer => payer.stop())]);
  }

  async #check(): Promise<void> {
    while (!this.#isStopped) {
      await this.#wait(() => false, this.#roundMs);
      const set = this.books.turn();
      await this.#wait(() => set.open === 0);
      if (this.#isStopped) return;
      const nodes = await Promise.all(
        this.#counters.map(async counter => ((await this.#has(counter, set)) ? counter.name : '')),
      );
      this.#found.set(set, { accepted: set.accepted, nodes: nodes.filter(name => name !== '') });
      const found = [...this.#found.values()];
      this.#checked = {
        accepted: found.reduce((sum, { accepted }) => sum + accepted, 0),
        nodes: this.#counters
          .map(({ name }) => name)
          .filter(name => found.every(each => each.nodes.includes(name))),
      };
    }
  }

  /** Whether a node has the balances of a set that stands still. One that does not answer has not. */
  async #has({ name, port, isOpen }: Counter, set: UserSet): Promise<boolean> {
    if (!isOpen) return false;
    let client: Client | undefined;
    try {
      client = await Client.open(port, undefined, CHECK_MS_MAX);
      // The newest there is, and not what this node happens to have.
      const requests = set.names.map(user => `${JSON.stringify({ type: 'balance', user, fresh: true })}\n`);
      client.send(requests.join(''));
      const replies = await client.lines(requests.length, CHECK_MS_MAX);
      return this.#isAsItMust(name, set, replies);
    } catch {
      return false;
    } finally {
      client?.close();
    }
  }

  #isAsItMust(name: string, { names, balances }: UserSet, replies: readonly string[]): boolean {
    for (const [user, reply] of replies.entries()) {
      const balance = Number(/^\{"status":"ok","balance":(-?\d+)\}$/.exec(reply)?.[1]);
      if (balance === balances[user]) continue;
      this.#onWrong(`${names[user]} should have ${balances[user]}, and ${name} says ${reply}`);
      return false;
    }
    return true;
  }

  async #wait(isReached: () => boolean, limitMs = Number.POSITIVE_INFINITY): Promise<void> {
    const endMs = performance.now() + limitMs;
    while (!this.#isStopped && !isReached() && performance.now() < endMs) await sleep(LOOK_MS);
  }
}

/**
 * A well-behaved client: one request at a time, on users of its own, so it knows what each reply must be.
 *
 * Its connection may be cut, if it goes through the fault proxy. Then it cannot know whether its last event was
 * applied, and goes on with a new connection and a new user: of each user, one event at most is in doubt.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../../src/tools/harness/client.ts';
import { ACCEPTED, BUSY, balanceRequest, buyLine, okLine, sellLine } from './asking.ts';

export interface Account {
  user: string;
  /** The sum of what was answered as accepted. */
  known: number;
  /** Events in that sum. */
  events: number;
  /** Signed amount of the event that was sent last and has no answer; 0 if there is none. */
  unknown: number;
}

const INVALID_JSON = '{"status":"error","reason":"invalid_json"}';
const AMOUNT_MAX = 1_000_000;
const RETRY_MS = 20;
const REPLY_MS_MAX = 20_000;

export class Payer {
  readonly accounts: Account[] = [];
  readonly wrong: string[] = [];
  refused = 0;
  cuts = 0;
  halves = 0;
  readonly #name: string;
  readonly #port: number;
  readonly #random: () => number;
  readonly #onReply: (tookMs: number) => void;

  /** `onReply` hears how long each answer took. */
  constructor(
    name: string,
    port: number,
    random: () => number,
    onReply: (tookMs: number) => void = () => {},
  ) {
    this.#name = name;
    this.#port = port;
    this.#random = random;
    this.#onReply = onReply;
  }

  /** Pays until it is over, a request every so many milliseconds. Nobody cuts it off if `isCut` is false. */
  async pay(over: AbortSignal, everyMs: number, isCut: boolean): Promise<void> {
    while (!over.aborted) {
      const account = { user: `${this.#name}-${this.accounts.length}`, known: 0, events: 0, unknown: 0 };
      this.accounts.push(account);
      const client = await Client.open(this.#port).catch(() => undefined);
      try {
        while (client !== undefined && !over.aborted) {
          await this.#ask(client, account, isCut);
          await sleep(everyMs, undefined, { signal: over }).catch(() => {});
        }
      } catch (error) {
        if (!isCut || !client!.isEnded) throw error;
        this.cuts += 1;
        await sleep(RETRY_MS);
      } finally {
        client?.close();
      }
      if (client === undefined) await sleep(RETRY_MS);
    }
  }

  /** What the balances may not be, once the server has nothing more to apply. */
  check(balances: readonly number[]): string[] {
    return this.accounts.flatMap(({ user, known, unknown }, index) => {
      const balance = balances[index]!;
      if (balance === known || balance === known + unknown) return [];
      return [`${user} has ${balance}, and was told of ${known}, with ${unknown} in doubt`];
    });
  }

  /** Events that were applied, going by the balances. */
  applied(balances: readonly number[]): number {
    return this.accounts.reduce(
      (sum, { known, events }, index) => sum + events + (balances[index] === known ? 0 : 1),
      0,
    );
  }

  async #ask(client: Client, account: Account, isCut: boolean): Promise<void> {
    const kind = this.#random();
    const amount = kind < 0.2 ? 0 : 1 + Math.floor(this.#random() * AMOUNT_MAX);
    const isBuy = this.#random() < 0.6;
    const isWaiting = kind < 0.5;
    let line = balanceRequest(account.user);
    if (amount > 0) line = isBuy ? buyLine(account.user, amount) : sellLine(account.user, amount);
    if (amount > 0 && isWaiting) line = line.replace('}', ',"wait":true}');
    account.unknown = isBuy ? amount : -amount;
    const startMs = performance.now();
    client.send(line);
    const [reply] = await client.lines(1, REPLY_MS_MAX);
    this.#onReply(performance.now() - startMs);
    const balance = account.known + account.unknown;
    const expected = amount === 0 || isWaiting ? okLine(balance) : ACCEPTED;
    const isBusy = amount > 0 && reply === BUSY;
    if (isBusy) this.refused += 1;
    // The half of a line that came before a half close.
    else if (isCut && reply === INVALID_JSON) this.halves += 1;
    else if (reply !== expected)
      this.wrong.push(`${account.user}: ${line.trim()} got ${reply}, not ${expected}`);
    else if (amount > 0) {
      account.known = balance;
      account.events += 1;
    }
    account.unknown = 0;
  }
}

/**
 * A client whose events have ids: what had no reply, or was not taken, it sends again, over new connections if it must,
 * until it knows what became of it. So it knows every balance to the last unit, whatever happens to its connections
 * and to the server.
 *
 * The load generator does the same (`tally load --ids`), and is not used here: neither should pass for a mistake that
 * both make, this one starts servers of changing flags, and it asks for replies that were given once more.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, HungUp } from '../../src/tools/harness/client.ts';
import { ACCEPTED, BUSY, INSUFFICIENT, SHUTTING_DOWN } from './asking.ts';

const AMOUNT_MAX = 1_000;
const AGAIN_MS = 5;
const REPLY_MS_MAX = 20_000;
/** Of so many replies one is asked for again at the end. */
const REPEATED = 20;
const AT_ONCE = 64;
const DISK_FULL = '{"status":"rejected","reason":"disk_full"}';
const NOT_TAKEN = [BUSY, SHUTTING_DOWN, DISK_FULL];
const OK = /^\{"status":"ok","balance":(-?\d+)\}$/;

export interface Plan {
  name: string;
  accounts: readonly string[];
  events: number;
  transfers: number;
  /** Lines under way at a time. */
  depth: number;
  random: () => number;
  /** Of the server; undefined: it is not there. */
  portOf: () => number | undefined;
}

interface Event {
  line: string;
  /** How much to whom, if it is applied. */
  moves: [account: number, amount: number][];
  min: number | undefined;
  isAnsweredOk: boolean;
  times: number;
}

export class Resender {
  /** By account: what was applied, going by the replies. */
  readonly moved: number[];
  readonly wrong: string[] = [];
  applied = 0;
  transfers = 0;
  insufficient = 0;
  notTaken = 0;
  resent = 0;
  cuts = 0;
  /** Some of the lines with their replies: they must be the same ever after. */
  readonly repeats: { line: string; reply: string }[] = [];
  readonly #plan: Plan;
  #eventsLeft: number;
  #transfersLeft: number;
  #made = 0;
  /** Not decided, in the order in which they were first sent. */
  readonly #open = new Set<Event>();

  constructor(plan: Plan) {
    this.#plan = plan;
    this.moved = plan.accounts.map(() => 0);
    this.#eventsLeft = plan.events;
    this.#transfersLeft = plan.transfers;
  }

  /** Until all is decided. Throws if the server is there and says nothing. */
  async run(): Promise<void> {
    while (this.#open.size + this.#left > 0) {
      const port = this.#plan.portOf();
      const client = port === undefined ? undefined : await Client.open(port).catch(() => undefined);
      try {
        if (client !== undefined) await this.#talk(client);
      } catch (error) {
        if (!(error instanceof HungUp)) throw error;
        this.cuts += 1;
      } finally {
        client?.close();
      }
      await sleep(AGAIN_MS);
    }
  }

  async #talk(client: Client): Promise<void> {
    const underWay: Event[] = [];
    const send = (event: Event) => {
      if (event.times++ > 0) this.resent += 1;
      underWay.push(event);
      client.send(event.line);
    };
    for (const event of this.#open) send(event);
    while (this.#open.size + this.#left > 0) {
      while (underWay.length < this.#plan.depth && this.#left > 0) {
        const event = this.#newEvent();
        this.#open.add(event);
        send(event);
      }
      const reply = await client.line(REPLY_MS_MAX);
      const event = underWay.shift()!;
      if (NOT_TAKEN.includes(reply)) {
        this.notTaken += 1;
        await sleep(AGAIN_MS);
        send(event);
      } else this.#decide(event, reply);
    }
  }

  #decide(event: Event, reply: string): void {
    const { line, moves, min, isAnsweredOk } = event;
    this.#open.delete(event);
    const balance = OK.exec(reply)?.[1];
    const isApplied = isAnsweredOk
      ? balance !== undefined && Number(balance) >= (min ?? -Infinity)
      : reply === ACCEPTED;
    if (isApplied) {
      for (const [account, amount] of moves) this.moved[account]! += amount;
      this.applied += 1;
      if (moves.length > 1) this.transfers += 1;
    } else if (reply === INSUFFICIENT && min !== undefined) this.insufficient += 1;
    else this.wrong.push(`${line.trim()} got ${reply}`);
    if ((this.applied + this.insufficient) % REPEATED === 0) this.repeats.push({ line, reply });
  }

  get #left(): number {
    return this.#eventsLeft + this.#transfersLeft;
  }

  #newEvent(): Event {
    const { name, accounts, random } = this.#plan;
    const account = Math.floor(random() * accounts.length);
    const amount = 1 + Math.floor(random() * AMOUNT_MAX);
    const id = `${name}-${this.#made++}`;
    const hasMin = random() < 0.5;
    if (random() * this.#left < this.#transfersLeft) {
      this.#transfersLeft -= 1;
      const other = (account + 1 + Math.floor(random() * (accounts.length - 1))) % accounts.length;
      return {
        line: lineOf({
          type: 'transfer',
          from: accounts[account],
          to: accounts[other],
          amount,
          min: hasMin ? 0 : undefined,
          id,
        }),
        moves: [
          [account, -amount],
          [other, amount],
        ],
        min: hasMin ? 0 : undefined,
        isAnsweredOk: true,
        times: 0,
      };
    }
    this.#eventsLeft -= 1;
    const isSale = random() < 0.45;
    const min = isSale && hasMin ? 0 : undefined;
    const wait = random() < 0.2 ? true : undefined;
    return {
      line: lineOf({ user: accounts[account], action: isSale ? 'sell' : 'buy', amount, wait, min, id }),
      moves: [[account, isSale ? -amount : amount]],
      min,
      isAnsweredOk: wait === true || min !== undefined,
      times: 0,
    };
  }
}

/** What is undefined is left out. */
function lineOf(request: object): string {
  return `${JSON.stringify(request)}\n`;
}

/** By account: what all of them have moved together. */
export function sumOf(clients: readonly Resender[]): number[] {
  return clients[0]!.moved.map((_, account) => clients.reduce((sum, { moved }) => sum + moved[account]!, 0));
}

/** Sends these lines once more, until they are taken, and returns what is not answered as it was. */
export async function askAgain(port: number, clients: readonly Resender[]): Promise<string[]> {
  const client = await Client.open(port);
  const wrong: string[] = [];
  let left = clients.flatMap(({ repeats }) => repeats);
  while (left.length > 0) {
    const some = left.slice(0, AT_ONCE);
    left = left.slice(AT_ONCE);
    client.send(some.map(({ line }) => line).join(''));
    const replies = await client.lines(some.length, REPLY_MS_MAX);
    const refused = some.filter((_, at) => NOT_TAKEN.includes(replies[at]!));
    if (refused.length > 0) await sleep(AGAIN_MS);
    left.push(...refused);
    some.forEach(({ line, reply }, at) => {
      if (replies[at] !== reply && !refused.includes(some[at]!))
        wrong.push(`${line.trim()} got ${reply}, and then ${replies[at]}`);
    });
  }
  client.close();
  return wrong;
}

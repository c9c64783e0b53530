/**
 * Pain 19, a poisonous job: what becomes of payouts when one of them always fails, and when workers die over them?
 *
 * Two servers take payouts from one queue, and have the companion, a bank, pay them. Both are killed while the bank works
 * for them: once before it has paid, once when it has, and has not yet said so. Two others go on; for one payout the bank
 * takes longer than a payout may be in work. Then one of them is left alone with a hundred payouts, of which the bank
 * refuses the tenth every time, and another one twice.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { count } from '../../src/cli/terminal/numbers.ts';
import { Client } from '../../src/tools/harness/client.ts';
import { within } from '../../src/tools/harness/waiting.ts';
import type { Source } from '../kit/server.ts';
import { isTaken, type Scene, shown } from '../kit/witnesses/scene.ts';
import { type Finding, type Say, Undecided, withServer } from '../kit/witnesses/witness.ts';
import type { LessonWitness } from '../lesson-kit/lesson.ts';

const SERVER_MS_MAX = 50_000;
const LOOK_MS = 20;
const ANSWER_MS_MAX = 10_000;
const TAKEN_MS_MAX = 10_000;
const END_MS_MAX = 5_000;
/** By then what a dead worker had is with another one. */
const AGAIN_MS_MAX = 3_000;
/** The bank takes 1,600 ms for the slow one. */
const SLOW_MS = 2_000;
const PAYOUTS = 100;
const BAD = 10;
const FLAKY = 20;
/** When nothing has changed for so long, nothing will. */
const QUIET_MS = 2_500;
/** The same where nothing waits. */
const SETTLED_MS = 300;
const TRIES_MAX = 20;

interface Account {
  orders: number;
  paid: number;
  firstPaidMs?: number;
}

export interface Bank {
  accounts: Record<string, Account>;
  atOnceMax: number;
}

export const poisoned: LessonWitness = {
  mustStart: true,
  async run(source, say, place) {
    const { host, port } = place.companion('bank');
    const bank = await Client.open(port, host);
    try {
      return await new Office(source, bank, say).finding();
    } finally {
      bank.close();
    }
  },
};

class Office {
  readonly #source: Source;
  readonly #bank: Client;
  readonly #say: Say;
  readonly #accepted: string[] = [];

  constructor(source: Source, bank: Client, say: Say) {
    this.#source = source;
    this.#bank = bank;
    this.#say = say;
  }

  async finding(): Promise<Finding> {
    for (const [user, manner] of Object.entries({
      unpaid: 'silent',
      paid: 'silent once paid',
      slow: 'slow',
      bad: 'refuses',
      flaky: 'fails twice',
    }))
      await this.#bank.ask(`${JSON.stringify({ user, manner })}\n`);
    await this.#withTwo(scenes => this.#die(scenes));
    return await this.#withTwo(async ([one, other]) => {
      await this.#goOn(one);
      await other.server.stop();
      return await this.#poison(one);
    });
  }

  #withTwo<Value>(use: (scenes: readonly [Scene, Scene]) => Promise<Value>): Promise<Value> {
    const start = <V>(each: (scene: Scene) => Promise<V>) =>
      withServer(this.#source, undefined, each, SERVER_MS_MAX);
    return start(one => start(other => use([one, other])));
  }

  async #die(scenes: readonly Scene[]): Promise<void> {
    const client = await scenes[0]!.open();
    for (const user of ['unpaid', 'paid']) await this.#put(client, user);
    const hasBoth = await this.#until(
      TAKEN_MS_MAX,
      ({ accounts }) => 'unpaid' in accounts && 'paid' in accounts,
    );
    if (!hasBoth)
      throw new Undecided(
        'two servers have two payouts, and the bank does not hear of both: does each have a worker?',
      );
    for (const { server } of scenes) server.signal('SIGKILL');
    for (const { server } of scenes)
      if ((await within(END_MS_MAX, server.ended)) === undefined)
        throw new Undecided('it does not end when it is killed: is it started in the background?');
    this.#say(
      'two servers are killed with a payout each: the bank has paid one of them, and could not say so any more',
    );
  }

  async #goOn(scene: Scene): Promise<void> {
    const client = await scene.open();
    const startMs = performance.now();
    await this.#put(client, 'slow');
    await this.#until(
      AGAIN_MS_MAX,
      ({ accounts }) => accounts.unpaid!.orders > 1 && accounts.paid!.orders > 1 && 'slow' in accounts,
    );
    await sleep(SLOW_MS - (performance.now() - startMs));
    const { accounts } = await this.#report();
    const paid = (user: string) => times(accounts[user]?.paid ?? 0);
    this.#say(
      `two others go on: that one is paid ${paid('paid')}, the other ${paid('unpaid')}; one that takes the bank long ${paid('slow')}`,
    );
  }

  async #poison(scene: Scene): Promise<Finding> {
    const client = await scene.open();
    for (let index = 1; index <= PAYOUTS; index += 1)
      await this.#put(client, index === BAD ? 'bad' : index === FLAKY ? 'flaky' : `user-${index}`);
    const urgentMs = Date.now();
    await this.#put(client, 'urgent', ',"priority":"high"');
    const { waiting, dead } = await this.#untilQuiet(client);
    const { accounts, atOnceMax } = await this.#report();
    const paid = this.#accepted.filter(user => (accounts[user]?.paid ?? 0) > 0);
    const paidTwice = paid.filter(user => accounts[user]!.paid > 1).length;
    const lost = Math.max(0, this.#accepted.length - paid.length - waiting - dead);
    const badTries = accounts.bad?.orders ?? 0;
    const stopped = Math.max(0, waiting - (dead === 0 ? 1 : 0));
    const { firstPaidMs } = accounts.urgent ?? {};
    this.#say(
      `a hundred payouts, of which the bank refuses one every time: it is asked for that one ${times(badTries)}, and ${count(waiting)} wait`,
    );
    const hurts = [
      stopped > 0 && `${count(stopped)} wait behind a bad one`,
      badTries > TRIES_MAX && `the bad one was tried ${times(badTries)}`,
      paidTwice > 0 && `${count(paidTwice)} were paid twice`,
      lost > 0 && `${count(lost)} are nowhere: neither paid, nor in the queue, nor put aside`,
    ].filter(hurt => hurt !== false);
    return {
      isPresent: hurts.length > 0,
      evidence: {
        stopped,
        badTries,
        dead,
        paidTwice,
        lost,
        atOnceMax,
        ...(firstPaidMs !== undefined && { urgentWaitedMs: firstPaidMs - urgentMs }),
      },
      sentence:
        hurts.length > 0
          ? `Of ${count(this.#accepted.length)} accepted payouts: ${hurts.join('; ')}.`
          : `Of ${count(this.#accepted.length)} accepted payouts ${count(paid.length)} were paid, each once, whoever died; the bad one was tried ${times(badTries)}, and is put aside.`,
    };
  }

  async #put(client: Client, user: string, more = ''): Promise<void> {
    const line = `{"type":"payout","id":"${user}","user":"${user}","amount":30${more}}\n`;
    const reply = await client.ask(line, ANSWER_MS_MAX);
    if (!isTaken(reply)) throw new Undecided(`it answers a payout with ${shown(reply)}`);
    this.#accepted.push(user);
  }

  async #report(): Promise<Bank> {
    return JSON.parse(await this.#bank.ask('{"report":true}\n', ANSWER_MS_MAX));
  }

  async #until(limitMs: number, isReached: (bank: Bank) => boolean): Promise<boolean> {
    const endMs = performance.now() + limitMs;
    while (!isReached(await this.#report())) {
      if (performance.now() > endMs) return false;
      await sleep(LOOK_MS);
    }
    return true;
  }

  /** How many wait, and how many are put aside, when that and the bank have not changed for a while. */
  async #untilQuiet(client: Client): Promise<{ waiting: number; dead: number }> {
    for (let [last, sinceMs] = ['', 0]; ; await sleep(LOOK_MS)) {
      const reply = await client.ask('{"type":"payouts"}\n', ANSWER_MS_MAX);
      const [waiting, dead] = [numberIn(reply, 'waiting'), numberIn(reply, 'dead')];
      const { accounts } = await this.#report();
      const state = [waiting, dead, ...Object.values(accounts).map(({ paid }) => paid)].join();
      if (state !== last) [last, sinceMs] = [state, performance.now()];
      if (performance.now() - sinceMs > (waiting === 0 ? SETTLED_MS : QUIET_MS)) return { waiting, dead };
    }
  }
}

function numberIn(reply: string, name: string): number {
  const match = new RegExp(`"${name}":\\s*(\\d{1,9})\\s*[,}]`).exec(reply);
  if (match === null) throw new Undecided(`it answers {"type":"payouts"} with ${shown(reply)}`);
  return Number(match[1]);
}

function times(number: number): string {
  return number === 1 ? 'once' : `${count(number)} times`;
}

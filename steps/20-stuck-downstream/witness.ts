/**
 * Pain 20, a downstream that is slow for a while: how long is the server down, and who else is?
 *
 * Users ask for rates, each of which the server asks its companion for: a quarter of what that can answer. Whoever has no
 * answer in time asks again, twice, on a new connection. Neighbours send events, which need no rate. The companion is
 * told to be slow; before all others, a report asks for many rates at once, and has patience. Then the companion is as
 * fast as before. At last all users leave.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { count } from '../../src/cli/terminal/numbers.ts';
import { Client } from '../../src/tools/harness/client.ts';
import { isTaken, type Scene, shown } from '../kit/witnesses/scene.ts';
import { type Finding, type Say, Undecided, withServer } from '../kit/witnesses/witness.ts';
import type { LessonWitness } from '../lesson-kit/lesson.ts';
import type { Place } from '../lesson-kit/place.ts';

const CALM_MS = 600;
export const SLOW_MS = 1_500;
const AFTER_S = 3;
const GONE_MS = 1_000;
export const QUESTIONS_PER_S = 100;
/** What the companion can answer. */
export const SERVED_PER_S = 400;
const NEIGHBOURS_PER_S = 50;
const COUNT_EVERY_MS = 100;
const TICK_MS = 10;
const CALM_PHASES_MAX = 20;
const PATIENCE_MS = 400;
const NEIGHBOUR_PATIENCE_MS = 250;
const ATTEMPTS_MAX = 3;
const REPORT_QUESTIONS = 120;
/** Calls that have half of it fail while the companion is slow, and so do those that are made again. */
const REPORT_PATIENCE_MS = 1_600;
const CURRENCIES = ['EUR', 'USD', 'JPY', 'GBP', 'CHF', 'INR'];
const NEIGHBOUR = '{"user":"neighbour","action":"buy","amount":1,"wait":true}\n';
const SERVER_MS_MAX = 60_000;
/** An older rate is stale. */
const FRESH_MS = 1_000;
/** In a slice of time, the server is down if it answers fewer of the questions. */
const SLICE_MS = 200;
const GOOD_PERCENT = 90;
const DOWN_MS_MAX = 1_000;
const STALE_MS_MAX = 2_000;
const NEIGHBOURS_PERCENT_MIN = 75;
const CALLS_PER_QUESTION_MAX = 2;

interface Asked {
  atMs: number;
  /** In time, at the first attempt. */
  isAnswered: boolean;
  isFresh: boolean;
}

/** A run; times are since its begin. */
export interface Course {
  questions: Asked[];
  neighbours: Asked[];
  /** How many calls the companion had had by then. */
  calls: { atMs: number; count: number }[];
  /** When the companion was slow, when it was fast again, and when the users left. */
  slowMs: number;
  fastMs: number;
  goneMs: number;
}

export const staysDown: LessonWitness = {
  mustStart: true,
  run: (source, say, place) =>
    withServer(source, undefined, async scene => findingOf(await courseOf(scene, place, say)), SERVER_MS_MAX),
};

export async function courseOf(scene: Scene, place: Place, say: Say): Promise<Course> {
  const { host, port } = place.companion('rates');
  const companion = await Client.open(port, host);
  try {
    return await new Crowd(scene, companion, say).course();
  } finally {
    companion.close();
  }
}

class Crowd {
  readonly #scene: Scene;
  readonly #companion: Client;
  readonly #say: Say;
  readonly #startMs = performance.now();
  readonly #questions: Asked[] = [];
  readonly #neighbours: Asked[] = [];
  readonly #calls: { atMs: number; count: number }[] = [];
  readonly #clients = new Set<Client>();
  #isGone = false;
  /** The last that it answered instead of a rate. */
  #other = 'nothing';

  constructor(scene: Scene, companion: Client, say: Say) {
    this.#scene = scene;
    this.#companion = companion;
    this.#say = say;
  }

  get #nowMs(): number {
    return performance.now() - this.#startMs;
  }

  async course(): Promise<Course> {
    await this.#calm();
    const report = await this.#scene.openAll(REPORT_QUESTIONS);
    await this.#companion.ask(`{"slow_ms":${SERVER_MS_MAX}}\n`);
    const slowMs = this.#nowMs;
    // Before all others: it may have what the server lets one have.
    for (const [index, client] of report.entries()) void this.#reportOne(client, index);
    await this.#phase('the downstream is slow', SLOW_MS, slowMs);
    await this.#companion.ask('{"slow_ms":0}\n');
    const fastMs = this.#nowMs;
    for (let second = 1; second <= AFTER_S; second += 1)
      await this.#phase(`it is fast again, second ${second}`, 1_000);
    await sleep(PATIENCE_MS);
    if (this.#scene.server.hasEnded) throw new Undecided('it ended while its downstream was slow');
    const goneMs = this.#nowMs;
    this.#isGone = true;
    for (const client of this.#clients) client.close();
    const before = await this.#count();
    await this.#every(GONE_MS, { [COUNT_EVERY_MS]: () => void this.#count().catch(() => {}) });
    this.#say(`all users have left: ${count((await this.#count()) - before)} calls`);
    const [questions, neighbours, calls] = [this.#questions, this.#neighbours, this.#calls];
    return { questions, neighbours, calls, slowMs, fastMs, goneMs };
  }

  /** Before anything is slow, all is well. A machine that is busy gets some time for that. */
  async #calm(): Promise<void> {
    for (let phase = 1; ; phase += 1) {
      if (this.#scene.server.hasEnded) throw new Undecided('it has ended');
      const fromMs = this.#nowMs;
      await this.#phase('calm', CALM_MS);
      const isIn = ({ atMs }: Asked) => atMs >= fromMs;
      const fresh = percentOf(this.#questions.filter(isIn), 'isFresh');
      const answered = percentOf(this.#neighbours.filter(isIn), 'isAnswered');
      if (fresh >= GOOD_PERCENT && answered >= GOOD_PERCENT) break;
      if (phase === CALM_PHASES_MAX)
        throw new Undecided(
          `while nothing is slow, it answers ${fresh} % of the questions for a rate, and ${answered} % of the events; the last other answer was ${this.#other}`,
        );
    }
    if ((await this.#count()) === 0) throw new Undecided('it answers without asking RATES_URL');
  }

  /** Has users and neighbours come for so long. What became of them is said when the last of them has lost patience. */
  async #phase(name: string, forMs: number, fromMs = this.#nowMs): Promise<void> {
    const before = await this.#count();
    await this.#every(forMs, {
      [1_000 / QUESTIONS_PER_S]: index => void this.#question(index),
      [1_000 / NEIGHBOURS_PER_S]: () => void this.#neighbour(),
      [COUNT_EVERY_MS]: () => void this.#count().catch(() => {}),
    });
    const [toMs, calls] = [this.#nowMs, (await this.#count()) - before];
    setTimeout(() => {
      const questions = between(this.#questions, fromMs, toMs);
      const neighbours = between(this.#neighbours, fromMs, toMs);
      this.#say(
        `${name}: ${answeredOf(questions)} questions and ${answeredOf(neighbours)} neighbours answered in time; ${count(calls)} calls`,
      );
    }, PATIENCE_MS);
  }

  /** Does each so often. While the machine stands still, no time passes. */
  async #every(forMs: number, deeds: Record<number, (index: number) => void>): Promise<void> {
    const done = new Map<string, number>();
    let lastMs = this.#nowMs;
    for (let passedMs = 0; passedMs < forMs; lastMs = this.#nowMs) {
      for (const [everyMs, deed] of Object.entries(deeds)) {
        let index = done.get(everyMs) ?? 0;
        for (; index * Number(everyMs) <= passedMs; index += 1) deed(index);
        done.set(everyMs, index);
      }
      await sleep(TICK_MS);
      passedMs += Math.min(this.#nowMs - lastMs, 3 * TICK_MS);
    }
  }

  async #count(): Promise<number> {
    const { calls } = JSON.parse(await this.#companion.ask('{"counts":true}\n'));
    this.#calls.push({ atMs: this.#nowMs, count: calls });
    return calls;
  }

  async #question(index: number): Promise<void> {
    const asked: Asked = { atMs: this.#nowMs, isAnswered: false, isFresh: false };
    this.#questions.push(asked);
    const line = rateLine(index, PATIENCE_MS);
    for (let attempt = 1; attempt <= ATTEMPTS_MAX && !this.#isGone; attempt += 1) {
      const sinceMs = Date.now();
      const reply = await this.#answerTo(line, PATIENCE_MS);
      if (reply === undefined) continue;
      const asOfMs = asOfIn(reply);
      if (asOfMs === undefined) this.#other = shown(reply);
      else if (attempt === 1)
        Object.assign(asked, { isAnswered: true, isFresh: asOfMs > sinceMs - FRESH_MS });
      return;
    }
  }

  async #neighbour(): Promise<void> {
    const asked: Asked = { atMs: this.#nowMs, isAnswered: false, isFresh: false };
    this.#neighbours.push(asked);
    asked.isAnswered = isTaken((await this.#answerTo(NEIGHBOUR, NEIGHBOUR_PATIENCE_MS)) ?? '');
  }

  async #reportOne(client: Client, index: number): Promise<void> {
    this.#clients.add(client);
    await client.ask(rateLine(index, REPORT_PATIENCE_MS), REPORT_PATIENCE_MS).catch(() => {});
    client.close();
    this.#clients.delete(client);
  }

  /** On a connection of its own, which ends with the patience. */
  async #answerTo(line: string, withinMs: number): Promise<string | undefined> {
    let client: Client | undefined;
    try {
      client = await this.#scene.open();
      this.#clients.add(client);
      return await client.ask(line, withinMs);
    } catch {
      return undefined;
    } finally {
      client?.close();
      this.#clients.delete(client!);
    }
  }
}

function findingOf({ questions, neighbours, calls, slowMs, fastMs, goneMs }: Course): Finding {
  const asked = questions.filter(({ atMs }) => atMs >= slowMs);
  const downMs =
    SLICE_MS * slicesOf(asked).filter(slice => percentOf(slice, 'isAnswered') < GOOD_PERCENT).length;
  const after = slicesOf(questions.filter(({ atMs }) => atMs >= fastMs));
  const firstFresh = after.findIndex(slice => percentOf(slice, 'isFresh') >= GOOD_PERCENT);
  const staleMs = SLICE_MS * (firstFresh < 0 ? after.length : firstFresh);
  const callsAt = (ms: number) => calls.findLast(({ atMs }) => atMs <= ms)?.count ?? 0;
  const callsPerQuestion =
    Math.round((10 * (callsAt(goneMs) - callsAt(slowMs))) / (asked.length + REPORT_QUESTIONS)) / 10;
  const neighboursPercent = percentOf(between(neighbours, slowMs, fastMs), 'isAnswered');
  const leftCalls = calls.filter(({ atMs }) => atMs >= goneMs);
  const callsForNobodyPerS = Math.round(
    (1_000 * (leftCalls.at(-1)!.count - leftCalls[0]!.count)) / (leftCalls.at(-1)!.atMs - leftCalls[0]!.atMs),
  );
  const slow = count(Math.round(fastMs - slowMs));
  const hurts = [
    downMs > DOWN_MS_MAX && `questions were not answered for ${count(downMs)} ms`,
    staleMs > STALE_MS_MAX && `fresh rates were not there ${count(staleMs)} ms after it was fast again`,
    callsPerQuestion > CALLS_PER_QUESTION_MAX && `each question became ${callsPerQuestion} calls`,
    neighboursPercent < NEIGHBOURS_PERCENT_MIN &&
      `${100 - neighboursPercent} % of the neighbours stopped with it`,
  ].filter(hurt => hurt !== false);
  return {
    isPresent: hurts.length > 0,
    evidence: { downMs, staleMs, callsPerQuestion, neighboursPercent, callsForNobodyPerS },
    sentence:
      hurts.length > 0
        ? `The downstream was slow for ${slow} ms: ${hurts.join(', ')}.`
        : `The downstream was slow for ${slow} ms: questions had an answer all the time, a fresh one after another ${count(staleMs)} ms, and of the neighbours ${neighboursPercent} %.`,
  };
}

function rateLine(index: number, withinMs: number): string {
  return `{"type":"rate","currency":"${CURRENCIES[index % CURRENCIES.length]}","within_ms":${withinMs}}\n`;
}

function between(asked: readonly Asked[], fromMs: number, toMs: number): Asked[] {
  return asked.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
}

function answeredOf(asked: readonly Asked[]): string {
  return `${asked.filter(({ isAnswered }) => isAnswered).length} of ${asked.length}`;
}

function percentOf(asked: readonly Asked[], what: 'isAnswered' | 'isFresh'): number {
  return Math.round((100 * asked.filter(each => each[what]).length) / asked.length);
}

/** In the order of time, as many as come in one. */
function slicesOf(asked: readonly Asked[]): Asked[][] {
  const size = (SLICE_MS * QUESTIONS_PER_S) / 1_000;
  return Array.from({ length: Math.floor(asked.length / size) }, (_, at) =>
    asked.slice(at * size, (at + 1) * size),
  );
}

/** When the rate was made; undefined if there is none. */
function asOfIn(reply: string): number | undefined {
  const match = /"as_of_ms":\s*(\d{1,16})\s*[,}]/.exec(reply);
  return isTaken(reply) && /"rate":\s*\d/.test(reply) && match !== null ? Number(match[1]) : undefined;
}

/**
 * One of the two servers of a race: a process of its own, put under load lap by lap, asked for `health` meanwhile, and
 * for all its balances in between, so that nothing of a lap is left in its queues when the other one's begins.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../src/tools/harness/client.ts';
import { type Server, ServerError } from '../../src/tools/harness/server.ts';
import { readBalances } from '../../src/tools/load/money.ts';
import { DEFAULT_PLAN, DEFAULT_WORK, type LoadPlan } from '../../src/tools/load/plan.ts';
import type { LoadResult, Percentiles, Verdict } from '../../src/tools/load/result.ts';
import { type Progress, runLoad } from '../../src/tools/load/run.ts';
import { openForQuestions, Prober } from '../../src/tools/watch/prober.ts';
import { DelayMeter } from './delay.ts';
import type { Lap, MoneyCount } from './figures.ts';
import type { RaceLoad } from './load.ts';
import { labelOf, type Racer, type StartedRacer, startRacer } from './racer.ts';

const PROBE_EVERY_MS = 10;
const WARM_UP_MS = 400;
const CONNECT_MS = 5_000;
/** Whoever is slow shows it by being slow, not by being cut off. */
const GRACE_MS = 30_000;
/** Balances that stand still for so long have been applied as far as they will be. */
const STILL_MS = 300;
/** So many times what an event costs, at least. */
const STILL_EVENTS = 20;
const AGAIN_MS = 10;
const MOVING_MS_MAX = 60_000;
const USER_PREFIX = 'racer';

export class Lane {
  readonly subject: Racer;
  readonly prober: Prober;
  readonly #load: RaceLoad;
  readonly #started: StartedRacer;
  readonly #server: Server;
  readonly #client: Client;
  readonly #delay: DelayMeter;
  readonly #users: number[];
  readonly #names: string[];
  #takenEvents = 0;
  #unknownEvents = 0;

  private constructor(
    subject: Racer,
    load: RaceLoad,
    started: StartedRacer,
    client: Client,
    delay: DelayMeter,
  ) {
    this.subject = subject;
    this.#load = load;
    this.#started = started;
    this.#server = started.server;
    this.#client = client;
    this.#delay = delay;
    this.prober = new Prober(client, PROBE_EVERY_MS);
    this.#users = Array.from({ length: load.users }, (_, user) => user);
    this.#names = this.#users.map(user => `${USER_PREFIX}${user}`);
  }

  /** Starts the server. Throws `ServerError` if it does not. */
  static async start(subject: Racer, load: RaceLoad): Promise<Lane> {
    const delay = await DelayMeter.open();
    let started: StartedRacer | undefined;
    try {
      started = await startRacer(subject, load, delay.nodeFlags);
      const { host, port } = started.server;
      const client = await openForQuestions(host, port, CONNECT_MS);
      return new Lane(subject, load, started, client, delay);
    } catch (error) {
      await started?.stop();
      delay.close();
      throw error;
    }
  }

  /** A short load that counts in the money only: threads start, code gets compiled. */
  async warmUp(): Promise<void> {
    await this.#run(WARM_UP_MS, 0, () => {});
    this.prober.take();
  }

  /** Throws `ServerError` if the server ends, or a connection breaks. */
  async lap(number: number, onProgress: (progress: Progress) => void): Promise<Lap> {
    await this.#delay.take();
    this.prober.take();
    return this.#run(this.#load.durationMs / this.#load.laps, number, onProgress);
  }

  async money(): Promise<MoneyCount> {
    const { amount } = DEFAULT_WORK;
    const balances = await this.#sumOfBalances();
    const least = this.#takenEvents * amount;
    const most = least + this.#unknownEvents * amount;
    const lostAmount = Math.max(0, least - balances);
    return {
      acceptedEvents: this.#takenEvents,
      acceptedAmount: least,
      balances,
      lostEvents: Math.ceil(lostAmount / amount),
      lostAmount,
      surplusAmount: Math.max(0, balances - most),
    };
  }

  async stop(): Promise<void> {
    this.prober.stop();
    this.#client.close();
    await this.#started.stop();
    this.#delay.close();
  }

  async #run(durationMs: number, lap: number, onProgress: (progress: Progress) => void): Promise<Lap> {
    let startMs = 0;
    let endMs = 0;
    const result = await this.#unlessItEnds(
      runLoad(this.#plan(durationMs, lap), {
        onProgress,
        onLoadStart: () => {
          startMs = performance.now();
          this.prober.start();
        },
        onLoadEnd: () => {
          endMs = performance.now();
          this.prober.stop();
        },
      }),
    );
    const eventLoopDelayMs = await this.#delay.take();
    const taken = result.accepted + result.ok;
    this.#takenEvents += taken;
    this.#unknownEvents += result.unknown;
    // Events that are answered when they were applied need nobody to wait for them.
    const appliedMs = result.accepted === 0 ? endMs : await this.#unlessItEnds(this.#applied(endMs));
    return {
      sent: result.sent,
      taken,
      busy: result.busy,
      other: result.refused + result.errors + result.echoed,
      unknown: result.unknown,
      elapsedMs: appliedMs - startMs,
      p99Ms: p99Of(result),
      healthMs: this.prober.take().map(({ ms }) => ms),
      eventLoopDelayMs,
      problems: result.problems,
    };
  }

  #plan(durationMs: number, lap: number): LoadPlan {
    const { ratePerS, connections, pipeline, users, waits, seed } = this.#load;
    const { host, port } = this.#server;
    const mix = waits ? { ...DEFAULT_WORK.mix, buy: 0, wait: 1 } : DEFAULT_WORK.mix;
    return {
      ...DEFAULT_PLAN,
      host,
      port,
      connections,
      pipeline,
      stages: ratePerS === undefined ? undefined : [{ durationMs, fromPerS: ratePerS, toPerS: ratePerS }],
      durationMs,
      graceMs: GRACE_MS,
      seed: seed + lap,
      work: { ...DEFAULT_WORK, users, userPrefix: USER_PREFIX, mix },
    };
  }

  /** When all that was taken had been applied; or, of a server that loses some, when the last balance moved. */
  async #applied(endMs: number): Promise<number> {
    const wanted = this.#takenEvents * DEFAULT_WORK.amount;
    const stillMs = Math.max(STILL_MS, (STILL_EVENTS * (this.#load.workUs + this.#load.windowUs)) / 1_000);
    let before = await this.#sumOfBalances();
    let movedMs = before >= wanted ? endMs : performance.now();
    while (before < wanted && performance.now() - movedMs < stillMs) {
      await sleep(AGAIN_MS);
      const sum = await this.#sumOfBalances();
      if (sum !== before) movedMs = performance.now();
      if (performance.now() - endMs > MOVING_MS_MAX)
        throw new ServerError(`the balances of ${labelOf(this.subject)} still move after 60 s`);
      before = sum;
    }
    return movedMs;
  }

  async #sumOfBalances(): Promise<number> {
    const balances = await readBalances(this.#plan(0, 0), this.#names, this.#users);
    return balances.reduce((sum, balance) => sum + balance, 0);
  }

  async #unlessItEnds<Value>(work: Promise<Value>): Promise<Value> {
    const ended = this.#server.ended.then(({ exitCode, signal }) => {
      // That it listened, all of them say.
      const printed = this.#server.output().replace(/^.*\blistening\b.*\n?/, '');
      const said = printed === '' ? '' : `; it printed:\n${printed}`;
      throw new ServerError(
        `${labelOf(this.subject)} ended under the load, with ${signal ?? `exit code ${exitCode}`}${said}`,
      );
    });
    return Promise.race([work, ended]);
  }
}

function p99Of({ latencyMs }: LoadResult): Partial<Record<Verdict, number>> {
  const verdicts = Object.entries(latencyMs.corrected.byVerdict) as [Verdict, Percentiles][];
  return Object.fromEntries(verdicts.flatMap(([verdict, { p99 }]) => (p99 === null ? [] : [[verdict, p99]])));
}

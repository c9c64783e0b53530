/**
 * A server with a journal is killed again and again, while clients pay into a few accounts and move money between them.
 * All they send has ids, and they send it again until it is decided: every balance must be exact, in the end and after
 * another start.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { realDisk } from '../../src/journal/disk.ts';
import { partsOf } from '../../src/journal/folder.ts';
import { Client } from '../../src/tools/harness/client.ts';
import { randomFrom } from '../../src/tools/load/random.ts';
import { askBalances, askMetrics } from './asking.ts';
import { pickSeed } from './load.ts';
import { askAgain, Resender, sumOf } from './resender.ts';
import { type RunningServer, runCli, startServer } from './server.ts';

const ACCOUNTS = Array.from({ length: 8 }, (_, account) => `account-${account}`);
const CLIENTS = 8;
const WRONG_SHOWN = 5;
const SYNCS = [['always'], ['interval', '--sync-ms', '20'], ['never']];

export interface IdFigures {
  runs: number;
  kills: number;
  /** Events and transfers that were decided. */
  decided: number;
  applied: number;
  transfers: number;
  insufficient: number;
  /** Refused without a trace, and sent again. */
  notTaken: number;
  resent: number;
  /** Connections lost. */
  cuts: number;
  wrongReplies: number;
  /** Replies asked for again, at the end and after another start. */
  repeats: number;
  wrongRepeats: number;
  wrongAccounts: number;
  /** Runs in which the sum of all accounts is not what the events make it. */
  wrongSums: number;
  /** Kills that found snapshots made under the load. */
  withSnapshots: number;
}

export interface IdOptions {
  runs: number;
  /** Of each run. */
  events: number;
  transfers: number;
  /** Between a start and a kill, on average. */
  killMs: number;
  /** While the clients send; then the server lives until they are done. */
  killsMax?: number;
  onRun?: (done: number) => void;
}

export async function killWhileResending(options: IdOptions): Promise<IdFigures> {
  const figures: IdFigures = {
    runs: 0,
    kills: 0,
    decided: 0,
    applied: 0,
    transfers: 0,
    insufficient: 0,
    notTaken: 0,
    resent: 0,
    cuts: 0,
    wrongReplies: 0,
    repeats: 0,
    wrongRepeats: 0,
    wrongAccounts: 0,
    wrongSums: 0,
    withSnapshots: 0,
  };
  const seed = pickSeed();
  for (let run = 0; run < options.runs; run++) {
    const dir = mkdtempSync(join(tmpdir(), 'tally-ids-'));
    await new Run(join(dir, 'data'), seed + run, options, figures).play();
    figures.runs += 1;
    options.onRun?.(figures.runs);
    // Kept if anything was wrong, since then this line is not reached.
    rmSync(dir, { recursive: true });
  }
  console.log(`killed while clients sent again: ${JSON.stringify({ seed, ...figures })}`);
  return figures;
}

class Run {
  readonly #dir: string;
  readonly #random: () => number;
  readonly #options: IdOptions;
  readonly #figures: IdFigures;
  readonly #what: string;
  #starts = 0;
  #server: RunningServer | undefined;

  constructor(dir: string, seed: number, options: IdOptions, figures: IdFigures) {
    this.#dir = dir;
    this.#random = randomFrom(seed);
    this.#options = options;
    this.#figures = figures;
    this.#what = `TALLY_TEST_SEED=${seed}, ${dir}`;
  }

  async play(): Promise<void> {
    const { events, transfers, killMs, killsMax = Infinity } = this.#options;
    const clients = Array.from(
      { length: CLIENTS },
      (_, client) =>
        new Resender({
          name: `c${client}`,
          accounts: ACCOUNTS,
          events: shareOf(events, client),
          transfers: shareOf(transfers, client),
          depth: this.#pick(1, 8, 64),
          random: randomFrom(this.#random() * 2 ** 32),
          portOf: () => this.#server?.port,
        }),
    );
    await this.#start();
    const over = new AbortController();
    const all = Promise.all(clients.map(client => client.run())).finally(() => over.abort());
    // What went wrong in them is told below.
    all.catch(() => {});
    for (let kills = 0; kills < killsMax && !over.signal.aborted; kills++) {
      await sleep(2 * this.#random() * killMs, undefined, { signal: over.signal }).catch(() => {});
      if (over.signal.aborted) break;
      await this.#kill();
      await this.#start();
    }
    await all.catch(async error => expect.fail(`${this.#what}: ${error}; ${await this.#metrics()}`));
    this.#take(clients);
    await this.#check(clients);
    await this.#kill();
    await this.#start();
    await this.#check(clients);
    expect(await this.#server!.stop(), this.#what).toMatchObject({ exitCode: 0, ledger: { lost: 0 } });
    expect(await runCli(['journal', 'verify', this.#dir]), this.#what).toMatchObject({
      exitCode: 0,
      stderr: '',
    });
  }

  async #start(): Promise<void> {
    this.#starts += 1;
    this.#server = await startServer([
      ...['--data', this.#dir, '--segment-bytes', '65536', '--workers', this.#pick('1', '2', '3', '4')],
      ...['--ring', this.#pick('256', '1024', '4096'), '--sync', ...SYNCS[this.#starts % SYNCS.length]!],
    ]);
  }

  async #kill(): Promise<void> {
    const server = this.#server!;
    this.#server = undefined;
    server.process.kill('SIGKILL');
    await server.exited;
    this.#figures.kills += 1;
    if (partsOf(realDisk, this.#dir).at(-1)!.snapshot > 0) this.#figures.withSnapshots += 1;
    for (const { event, level, reason } of server.events)
      expect(level === 'error' ? `${event}: ${reason}` : undefined, this.#what).toBeUndefined();
  }

  /** Every balance is what the replies make it, nothing is between two accounts, and replies are as they were. */
  async #check(clients: readonly Resender[]): Promise<void> {
    const { port } = this.#server!;
    const expected = sumOf(clients);
    const balances = await askBalances(port, ACCOUNTS);
    this.#figures.wrongAccounts += balances.filter(
      (balance, account) => balance !== expected[account],
    ).length;
    if (sum(balances) !== sum(expected)) this.#figures.wrongSums += 1;
    expect(balances, this.#what).toEqual(expected);
    expect(JSON.parse(await this.#metrics()), this.#what).toMatchObject({ in_transit: 0, queued: 0 });
    const wrong = await askAgain(port, clients);
    this.#figures.repeats += sum(clients.map(({ repeats }) => repeats.length));
    this.#figures.wrongRepeats += wrong.length;
    expect(wrong.slice(0, WRONG_SHOWN), this.#what).toEqual([]);
    expect(await askBalances(port, ACCOUNTS), this.#what).toEqual(expected);
  }

  #take(clients: readonly Resender[]): void {
    const figures = this.#figures;
    for (const client of clients) {
      figures.decided += client.applied + client.insufficient;
      for (const name of ['applied', 'transfers', 'insufficient', 'notTaken', 'resent', 'cuts'] as const)
        figures[name] += client[name];
      figures.wrongReplies += client.wrong.length;
      expect(client.wrong, this.#what).toEqual([]);
    }
  }

  async #metrics(): Promise<string> {
    const client = await Client.open(this.#server!.port);
    try {
      return JSON.stringify(await askMetrics(client));
    } finally {
      client.close();
    }
  }

  #pick<Value>(...values: Value[]): Value {
    return values[Math.floor(this.#random() * values.length)]!;
  }
}

function shareOf(total: number, client: number): number {
  return Math.floor(total / CLIENTS) + (client < total % CLIENTS ? 1 : 0);
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}

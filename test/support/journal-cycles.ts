/**
 * A server with a journal is killed under load, again and again on one folder: every event that was acknowledged is
 * there afterwards, nothing that was not sent, and nothing twice. Workers may die beside that.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { realDisk } from '../../src/journal/disk.ts';
import { partsOf } from '../../src/journal/folder.ts';
import { recover } from '../../src/journal/recovery.ts';
import { Client } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { randomFrom } from '../../src/tools/load/random.ts';
import { askBalances } from './asking.ts';
import { BookKeeper, settle, type User } from './journal-writer.ts';
import { pickSeed } from './load.ts';
import { CLI, type RunningServer, runCli, startServer } from './server.ts';

/** Cycles on one folder: then it is verified, and another one begins, so that snapshots stay small and many. */
const FOLDER_CYCLES = 50;
const WRITERS = 4;
const FIRST_USERS = 200;
const LOAD_MS_MIN = 20;
const LOAD_MS_MAX = 400;
/** Of a hundred cycles, how many are killed while they start. */
const EARLY_PERCENT = 8;
const EARLY_MS_MAX = 400;
/** Every other server is killed at a random moment around its first or second snapshot, if it comes so far. */
const AIMED_MS_MAX = 3_000;
const AROUND_MS_MAX = 40;
const DEATH_PAUSE_MS_MAX = 600;
const SYNCS = [['always'], ['interval', '--sync-ms', '20'], ['never']];

export interface JournalFigures {
  cycles: number;
  /** Killed while they started. */
  early: number;
  acknowledged: number;
  /** Events that are in, though the server was killed before it could say so. */
  unanswered: number;
  refused: number;
  holes: number;
  users: number;
  /** Users of whom an acknowledged event is missing, or something is there that was not sent, or twice. */
  wrongUsers: number;
  wrongReplies: number;
  snapshots: number;
  /** Starts that found snapshots made under the load that was killed. */
  withSnapshots: number;
  /** Lanes that ended in a block that was not whole. */
  torn: number;
  unclean: number;
  workerDeaths: number;
  /** Events behind a snapshot that starts brought back. */
  recovered: number;
  verified: number;
}

export interface JournalOptions {
  hasDeaths?: boolean;
  onCycle?: (done: number) => void;
}

export async function killUnderLoad(
  cycles: number,
  { hasDeaths = false, onCycle = () => {} }: JournalOptions = {},
): Promise<JournalFigures> {
  const figures: JournalFigures = {
    cycles: 0,
    early: 0,
    acknowledged: 0,
    unanswered: 0,
    refused: 0,
    holes: 0,
    users: 0,
    wrongUsers: 0,
    wrongReplies: 0,
    snapshots: 0,
    withSnapshots: 0,
    torn: 0,
    unclean: 0,
    workerDeaths: 0,
    recovered: 0,
    verified: 0,
  };
  const seed = pickSeed();
  for (let folder = 0; figures.cycles < cycles; folder++) {
    const dir = mkdtempSync(join(tmpdir(), 'tally-journal-'));
    const run = new Run(join(dir, 'data'), seed + folder, hasDeaths, figures);
    const left = Math.min(FOLDER_CYCLES, cycles - figures.cycles);
    for (let cycle = 0; cycle < left; cycle++) {
      await run.cycle();
      figures.cycles += 1;
      onCycle(figures.cycles);
    }
    await run.end();
    // Kept if anything was wrong, since then this line is not reached.
    rmSync(dir, { recursive: true });
  }
  console.log(`killed under load: ${JSON.stringify({ seed, ...figures })}`);
  return figures;
}

/** The cycles on one folder. */
class Run {
  readonly #dir: string;
  readonly #random: () => number;
  readonly #hasDeaths: boolean;
  readonly #figures: JournalFigures;
  readonly #what: string;
  /** Of each writer. */
  readonly #users: User[][] = Array.from({ length: WRITERS }, () => []);
  #names = 0;
  #cycle = 0;

  constructor(dir: string, seed: number, hasDeaths: boolean, figures: JournalFigures) {
    this.#dir = dir;
    this.#random = randomFrom(seed);
    this.#hasDeaths = hasDeaths;
    this.#figures = figures;
    this.#what = `TALLY_TEST_SEED=${seed}, ${dir}`;
    for (const users of this.#users)
      for (let user = 0; user < FIRST_USERS; user++)
        users.push({ name: this.#newName(), balance: 0, open: [], isKnown: false });
  }

  async cycle(): Promise<void> {
    this.#cycle += 1;
    const isAimed = this.#cycle % 2 === 0;
    const flags = this.#flags();
    if (this.#random() * 100 < EARLY_PERCENT) await this.#killEarly(flags);
    const server = await startServer(flags);
    await this.#check(server);
    const writers = await Promise.all(
      this.#users.map(users =>
        BookKeeper.open({
          port: server.port,
          users,
          newName: () => this.#newName(),
          random: randomFrom(this.#random() * 2 ** 32),
          depth: isAimed ? 1_024 : this.#pick(1, 64, 1_024),
        }),
      ),
    );
    const loadMs = LOAD_MS_MIN + this.#random() ** 2 * (LOAD_MS_MAX - LOAD_MS_MIN);
    const isOver = new AbortController();
    const deaths = this.#hasDeaths ? this.#letDie(server, isOver.signal) : undefined;
    if (isAimed) await this.#untilSnapshot(1 + Math.floor(this.#random() * 2));
    else await sleep(loadMs);
    server.process.kill('SIGKILL');
    isOver.abort();
    await Promise.all([server.exited, deaths, ...writers.map(({ ended }) => ended)]);
    this.#take(server, writers);
  }

  /** All users are as they must be, and the folder is whole. */
  async end(): Promise<void> {
    const server = await startServer(['--data', this.#dir]);
    await this.#check(server, true);
    expect(await server.stop(), this.#what).toMatchObject({ exitCode: 0, ledger: { lost: 0 } });
    expect(await runCli(['journal', 'verify', this.#dir]), this.#what).toMatchObject({
      exitCode: 0,
      stderr: '',
    });
    this.#figures.users += this.#users.flat().filter(({ isKnown }) => isKnown).length;
    this.#figures.verified += 1;
  }

  #flags(): string[] {
    const flags = [
      '--data',
      this.#dir,
      '--segment-bytes',
      '65536',
      '--workers',
      this.#pick('1', '2', '3', '4'),
    ];
    flags.push('--ring', this.#pick('256', '1024', '4096'), '--sync', ...SYNCS[this.#cycle % SYNCS.length]!);
    return this.#hasDeaths ? [...flags, '--debug-requests'] : flags;
  }

  /** Kills a server that has not said yet that it listens, or just has. */
  async #killEarly(flags: string[]): Promise<void> {
    const server = spawn(process.execPath, [CLI, 'serve', '--port', '0', ...flags], { stdio: 'ignore' });
    await sleep(this.#random() * EARLY_MS_MAX);
    server.kill('SIGKILL');
    await once(server, 'exit');
    this.#figures.early += 1;
  }

  /** The balances of users that had open events, or of `all`. */
  async #check(server: RunningServer, isOfAll = false): Promise<void> {
    const users = this.#users.flat().filter(({ open }) => isOfAll || open.length > 0);
    const balances = await askBalances(
      server.port,
      users.map(({ name }) => name),
    );
    users.forEach((user, at) => {
      const before = { ...user };
      const found = settle(user, balances[at]!);
      if (found === undefined) {
        this.#figures.wrongUsers += 1;
        expect.fail(`${this.#what}: ${JSON.stringify(before)} has ${balances[at]}`);
      }
      this.#figures.unanswered += found.unanswered;
      if (found.hasHole) this.#figures.holes += 1;
    });
    const isRecovered = ({ event }: Record<string, unknown>) => event === 'recovered';
    await until(() => server.events.some(isRecovered), 'the server to say what it has brought back');
    const recovered = server.events.find(isRecovered) as { users: number; events: number; clean: boolean };
    expect(recovered.users, this.#what).toBe(this.#users.flat().filter(({ isKnown }) => isKnown).length);
    this.#figures.recovered += recovered.events;
    if (!recovered.clean) this.#figures.unclean += 1;
  }

  /** Until the snapshot is on its way, or there, and some random time more. */
  async #untilSnapshot(number: number): Promise<void> {
    const endMs = performance.now() + AIMED_MS_MAX;
    const epoch = readdirSync(this.#dir)
      .filter(name => name.startsWith('epoch-'))
      .sort()
      .at(-1)!;
    const path = join(this.#dir, epoch, `snapshot-00000${number}`);
    const isSeen = () => existsSync(path) || existsSync(`${path}.tmp`);
    while (!isSeen() && performance.now() < endMs) await sleep(1);
    await sleep(this.#random() ** 2 * AROUND_MS_MAX);
  }

  /** Ends workers at any point of their code, or at their next event. */
  async #letDie(server: RunningServer, signal: AbortSignal): Promise<void> {
    const control = await Client.open(server.port);
    const workers = server.events[0]!.workers as number;
    while (!signal.aborted) {
      const how = this.#random() < 0.7 ? 'kill' : 'crash';
      control.send(`{"type":"debug","do":"${how}","worker":${Math.floor(this.#random() * workers)}}\n`);
      await sleep(this.#random() * DEATH_PAUSE_MS_MAX, undefined, { signal }).catch(() => {});
    }
    control.close();
  }

  /** Notes what there was, before the next start tidies it up. */
  #take(server: RunningServer, writers: BookKeeper[]): void {
    const figures = this.#figures;
    for (const writer of writers) {
      figures.acknowledged += writer.accepted;
      figures.wrongReplies += writer.wrong.length;
      expect(writer.wrong, this.#what).toEqual([]);
      for (const count of Object.values(writer.refused)) figures.refused += count;
    }
    for (const { event, level, reason } of server.events) {
      if (event === 'worker_died') figures.workerDeaths += 1;
      expect(level === 'error' ? `${event}: ${reason}` : undefined, this.#what).toBeUndefined();
    }
    const snapshots = partsOf(realDisk, this.#dir).at(-1)!.snapshot;
    figures.snapshots += snapshots;
    if (snapshots > 0) figures.withSnapshots += 1;
    figures.torn += recover(realDisk, this.#dir).ends.filter(({ isTorn }) => isTorn).length;
  }

  #newName(): string {
    this.#names += 1;
    // Of any length, so that names lie across all kinds of borders.
    return `u${this.#names}${'-'.repeat(Math.floor(this.#random() ** 4 * 120))}`;
  }

  #pick<Value>(...values: Value[]): Value {
    return values[Math.floor(this.#random() * values.length)]!;
  }
}

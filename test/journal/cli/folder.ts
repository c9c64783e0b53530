/** Servers with a journal for tests of the commands that read it, what clients do to them, and what the commands say. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { Client } from '../../../src/tools/harness/client.ts';
import { until } from '../../../src/tools/harness/waiting.ts';
import { ACCEPTED, BUSY, buyLine } from '../../support/asking.ts';
import { type RunningServer, runCli, startServer } from '../../support/server.ts';

/** For a machine that is very busy. */
const FOLDED_MS_MAX = 30_000;

/** A folder for this test alone. */
export function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tally-journal-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Small rings and segments, so that few events fill many of them. */
export function flagsFor(data: string, ...flags: string[]): string[] {
  return ['--data', data, '--ring', '1024', '--segment-bytes', '65536', ...flags];
}

/** Until the test ends. */
export async function serve(data: string, ...flags: string[]): Promise<RunningServer> {
  const server = await startServer(flagsFor(data, ...flags));
  onTestFinished(() => {
    server.process.kill('SIGKILL');
  });
  return server;
}

/** Sends all lines until they are accepted: a server that has just started may have little room. */
export async function pay(port: number, ...lines: string[]): Promise<void> {
  const client = await Client.open(port);
  let left = lines;
  while (left.length > 0) {
    const some = left.slice(0, 500);
    client.send(some.join(''));
    const answers = await client.lines(some.length);
    const refused = some.filter((_, at) => answers[at] !== ACCEPTED);
    const wrong = answers.find(answer => answer !== ACCEPTED && answer !== BUSY);
    if (wrong !== undefined) throw new Error(`not accepted: ${wrong}`);
    left = [...refused, ...left.slice(500)];
  }
  client.close();
}

/** So many purchases of 1, by turns of so many users. */
export function purchases(events: number, users: number): string[] {
  return Array.from({ length: events }, (_, at) => buyLine(`u${at % users}`, 1));
}

/** Nothing is between two users. */
export async function balancesOf(...args: string[]): Promise<Record<string, number>> {
  const { exitCode, stdout, stderr } = await runCli(['journal', 'balances', ...args, '--json']);
  if (exitCode !== 0) throw new Error(stderr);
  const rows = jsonLines(stdout) as { user: string; balance: number }[];
  if (!args.includes('--user')) expect(rows.pop()).toEqual({ in_transit: 0 });
  return Object.fromEntries(rows.map(({ user, balance }) => [user, balance]));
}

export interface EventRow {
  time: string;
  user: string;
  amount: number;
  outcome: string;
  epoch: number;
  lane: number;
  number: number;
}

export async function eventsOf(...args: string[]): Promise<EventRow[]> {
  const { exitCode, stdout, stderr } = await runCli(['journal', 'events', ...args]);
  if (exitCode !== 0) throw new Error(stderr);
  return jsonLines(stdout) as EventRow[];
}

export interface Verdict {
  exitCode: number | null;
  whole: boolean;
  running: boolean;
  clean: boolean | null;
  users: number;
  epochs: { epoch: number; lanes: number; snapshots: number; segments: number; events: number }[];
  damage: { file: string; byte: number | null; what: string; needed_by: string; do: string }[];
}

export async function verdictOf(data: string): Promise<Verdict> {
  const { exitCode, stdout, stderr } = await runCli(['journal', 'verify', data, '--json']);
  if (stdout === '') throw new Error(stderr);
  return { exitCode, ...(JSON.parse(stdout) as Omit<Verdict, 'exitCode'>) };
}

export function eventsIn({ epochs }: Verdict): number {
  return epochs.reduce((sum, { events }) => sum + events, 0);
}

function jsonLines(text: string): unknown[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line) as unknown);
}

export function flipByte(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at]! ^= 0x40;
  writeFileSync(file, bytes);
}

/** Waits until a segment of that start is in a snapshot. So many events must fill one, whatever the lanes of the users. */
export async function untilFolded(data: string, epoch: number): Promise<void> {
  const later = new RegExp(`epoch-0*${epoch}/snapshot-0*[1-9]\\d*$`);
  await until(() => filesIn(data, later).length > 0, 'a snapshot of what was written', FOLDED_MS_MAX);
}

/** The paths of the files below the folder whose names match, in order. */
export function filesIn(folder: string, name: RegExp): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(path => name.test(path))
    .sort()
    .map(path => join(folder, path));
}

/** As much as fills a few segments a second, and leaves processors for those who read them. */
const PAUSE_MS = 5;

/** Clients that buy 1 again and again, each for a user of its own: the balance is the number of events. */
export class Buyers {
  readonly #clients: Client[];
  readonly acknowledged: number[];
  readonly sent: number[];
  #isOver = false;
  readonly #runs: Promise<unknown>;

  private constructor(clients: Client[]) {
    this.#clients = clients;
    this.acknowledged = clients.map(() => 0);
    this.sent = clients.map(() => 0);
    this.#runs = Promise.all(clients.map((_, at) => this.#run(at)));
  }

  static async start(port: number, connections: number): Promise<Buyers> {
    return new Buyers(await Promise.all(Array.from({ length: connections }, () => Client.open(port))));
  }

  async #run(at: number): Promise<void> {
    const events = 64;
    const lines = buyLine(`buyer${at}`, 1).repeat(events);
    while (!this.#isOver) {
      this.sent[at]! += events;
      this.#clients[at]!.send(lines);
      const answers = await this.#clients[at]!.lines(events).catch(() => []);
      if (answers.length < events) return;
      this.acknowledged[at]! += answers.filter(answer => answer === ACCEPTED).length;
      await sleep(PAUSE_MS);
    }
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#runs;
    for (const client of this.#clients) client.close();
  }
}

/**
 * The abuse of a server, with well-behaved clients among the abusers: how long these wait is measured, and their money
 * is checked to the last unit. Some of them go through the fault proxy, and are as exact.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from '../../src/tools/harness/client.ts';
import { descriptorsOf, settledDescriptors } from '../../src/tools/harness/descriptors.ts';
import { residentKiBOf } from '../../src/tools/harness/memory.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { type AbuserName, type Deeds, userOf } from './abusers.ts';
import { askBalances, askMetrics, HEALTH, HEALTHY } from './asking.ts';
import { Latency } from './latency.ts';
import { startServer } from './server.ts';
import { WellBehaved } from './well-behaved.ts';

const ATTACK = fileURLToPath(new URL('./attack.ts', import.meta.url));
/** Between two of a well-behaved client's requests. */
const EVERY_MS = 5;
const WARM_PROBES = 500;
/** What the abusers print when they are ready. They begin when their standard input ends. */
const READY = 'ready\n';

export interface AbuseReport {
  healthP99Ms: number;
  healthMaxMs: number;
  /** Of events, events with `wait` and balances, of the well-behaved that have a good network. */
  moneyP99Ms: number;
  moneyMaxMs: number;
  answers: number;
  /** Peak over what it was before the abuse; undefined where there is no /proc. */
  grownMiB: number | undefined;
  descriptorsKept: number | undefined;
  /** Replies and balances of the well-behaved that were not what they must be. */
  wrong: string[];
  /** Of the well-behaved, by the fault proxy. */
  cuts: number;
  /** Accepted and not applied, by the ledger; or applied and in no balance, or the other way about. */
  lost: number;
  exitCode: number | null;
  deeds: Partial<Record<AbuserName, Deeds>>;
}

export interface AbuseOptions {
  abusers: readonly AbuserName[];
  seconds: number;
  seed: number;
  /** How much each abuser sends at most, where it sends as much as it can; without it, what the server takes. */
  mbPerS?: number;
  /** Of the abusers' process. They yield to all others if it is not given. */
  priority?: number;
  /** Of the server. */
  flags?: string[];
  onSecond?: (done: number) => void;
}

export async function abuse({
  abusers,
  seconds,
  seed,
  mbPerS = Number.POSITIVE_INFINITY,
  priority = constants.priority.PRIORITY_LOW,
  flags = [],
  onSecond = () => {},
}: AbuseOptions): Promise<AbuseReport> {
  const server = await startServer(flags);
  const { pid, port } = server;
  const client = await Client.open(port);
  // Warm, as any server that serves is.
  for (let probe = 0; probe < WARM_PROBES; probe++) await client.ask(HEALTH);
  const descriptorsBefore = descriptorsOf(pid);
  const wellBehaved = await WellBehaved.start(port, seed, EVERY_MS);
  await sleep(200);
  const beforeMiB = residentMiB(pid);

  const { connectionsMax } = server.events.find(({ event }) => event === 'listening') as {
    connectionsMax: number;
  };
  const attack = await startAttack(priority, [port, seconds, connectionsMax, mbPerS, abusers.join(',')]);
  try {
    wellBehaved.latency.reset();
    const health = new Latency(EVERY_MS);
    const peakMiB = await askUntilOver(client, health, attack, () => {
      wellBehaved.throwIfFailed();
      onSecond(Math.min(seconds, (performance.now() - attack.beganAtMs) / 1_000));
      return residentMiB(pid) ?? 0;
    });
    const deeds = await attack.deeds;
    await wellBehaved.stop();

    // What the abusers left in the sockets is served before anything is added up.
    await until(
      async () => {
        const { connections, queued } = await askMetrics(client);
        return connections === 1 && queued === 0;
      },
      'the server to be rid of its abusers',
      30_000,
    );
    const { wrong, events } = await wellBehaved.audit(port);
    const abusersEvents = (await askBalances(port, abusers.map(userOf))).reduce((sum, each) => sum + each, 0);
    const { processed } = await askMetrics(client);
    const descriptorsAfter =
      descriptorsBefore === undefined ? undefined : await settledDescriptors(pid, descriptorsBefore);
    client.close();
    const { exitCode, ledger } = await server.stop();
    return {
      healthP99Ms: health.p99Ms,
      healthMaxMs: health.maxMs,
      moneyP99Ms: wellBehaved.latency.p99Ms,
      moneyMaxMs: wellBehaved.latency.maxMs,
      answers: health.answers + wellBehaved.latency.answers,
      grownMiB: beforeMiB === undefined ? undefined : peakMiB - beforeMiB,
      descriptorsKept: descriptorsAfter === undefined ? undefined : descriptorsAfter - descriptorsBefore!,
      wrong,
      cuts: wellBehaved.cuts,
      lost: Math.abs(processed - events - abusersEvents) + (ledger?.lost ?? Number.NaN),
      exitCode,
      deeds,
    };
  } finally {
    attack.process.kill();
    if (server.process.exitCode === null) server.process.kill('SIGKILL');
    await wellBehaved.stop().catch(() => {});
  }
}

/** Asks for the health every few milliseconds; resolves to the most that `look` gave. */
async function askUntilOver(
  client: Client,
  health: Latency,
  attack: Attack,
  look: () => number,
): Promise<number> {
  let most = 0;
  while (!attack.isOver) {
    const startMs = performance.now();
    const answer = await client.ask(HEALTH);
    if (answer !== HEALTHY) throw new Error(`health said ${answer}`);
    health.add(performance.now() - startMs);
    most = Math.max(most, look());
    await sleep(Math.max(0, startMs + EVERY_MS - performance.now()));
  }
  return most;
}

/** Resident memory of a process; undefined where there is no /proc. */
export function residentMiB(pid: number): number | undefined {
  const kiB = residentKiBOf(pid);
  return kiB === undefined ? undefined : kiB / 1_024;
}

interface Attack {
  process: ChildProcess;
  beganAtMs: number;
  isOver: boolean;
  /** What they did, when they are through. */
  deeds: Promise<Partial<Record<AbuserName, Deeds>>>;
}

/** Resolves when they have begun. */
async function startAttack(priority: number, args: (string | number)[]): Promise<Attack> {
  const child = spawn(process.execPath, ['--import', 'tsx', ATTACK, ...args.map(String)], { stdio: 'pipe' });
  const attack: Attack = {
    process: child,
    beganAtMs: 0,
    isOver: false,
    deeds: text(child.stdout).then(printed => {
      attack.isOver = true;
      return JSON.parse(printed.slice(READY.length));
    }),
  };
  // A failure is noticed when it is over.
  attack.deeds.catch(() => {});
  child.stderr.pipe(process.stderr);
  await once(child.stdout, 'readable');
  // They would come from other machines. On this one they take processors away from the server and from those who
  // measure it, which says nothing about the server; so they take what is left. Their start is not measured.
  setPriority(child.pid!, priority);
  // Linux: a thread of low priority still keeps a processor for up to 4 ms; an idle one leaves it at once.
  if (priority > 0) spawnSync('chrt', ['--idle', '--all-tasks', '--pid', '0', String(child.pid)]);
  child.stdin.end();
  attack.beganAtMs = performance.now();
  return attack;
}

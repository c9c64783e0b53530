/**
 * The server is stopped at a random moment under load, again and again: by a signal, by two, or by one that gives it
 * no time. Each time its ledger must agree with what the clients were told.
 */
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { randomFrom } from '../../src/tools/load/random.ts';
import { Load, pickSeed, type Tally } from './load.ts';
import { type RunningServer, type Stopped, startServer } from './server.ts';

/** Well under the 8 s of the hard limit: 100 ms in which clients hear of it, and what the rings take to empty. */
const STOP_MS_MAX = 4_000;
/** At once, for what a second signal does: 500 ms for the workers to leave, and what the end of a process takes. */
const AT_ONCE_MS_MAX = 2_000;
const LOAD_MS_MAX = 150;
/** As long as the shutdown of a busy server takes at least, so that some second signals come too late. */
const SECOND_MS_MAX = 150;

/** Of 100 cycles. */
const TWICE_PERCENT = 20;
const KILL_PERCENT = 5;

type Way = 'once' | 'twice' | 'kill';
/** `second`: the signal that the server saw as the second one. */
type Stop = Stopped & { way: Way; second: NodeJS.Signals; sinceSecondMs: number };

export interface ShutdownFigures {
  cycles: number;
  ways: Record<Way, number>;
  /** Of those with two signals: the second one came in time to end the shutdown. */
  cutShort: number;
  /** Second signals that found the process on its way out already, its ledger printed. */
  tooLate: number;
  accepted: number;
  /** Accepted and not applied, where the shutdown was let come to its end. */
  lost: number;
  /** Accepted and not applied, as the ledger said, where a second signal cut it short. */
  lostInLedger: number;
  wrongReplies: number;
  shuttingDown: number;
  unknown: number;
  /** From the signal to the exit, of the cycles with one signal. */
  exitMs: number[];
  /** From the second signal to the exit, where it cut the shutdown short. */
  atOnceMs: number[];
}

export interface ShutdownOptions {
  /** Cycles that run at the same time. */
  atATime?: number;
  onCycle?: (done: number) => void;
}

export async function stopUnderLoad(
  cycles: number,
  { atATime = 1, onCycle = () => {} }: ShutdownOptions = {},
): Promise<ShutdownFigures> {
  const figures: ShutdownFigures = {
    cycles: 0,
    ways: { once: 0, twice: 0, kill: 0 },
    cutShort: 0,
    tooLate: 0,
    accepted: 0,
    lost: 0,
    lostInLedger: 0,
    wrongReplies: 0,
    shuttingDown: 0,
    unknown: 0,
    exitMs: [],
    atOnceMs: [],
  };
  const firstSeed = pickSeed();
  let next = 0;
  let hasFailed = false;
  const lane = async () => {
    while (next < cycles && !hasFailed) {
      try {
        await stopOnce(firstSeed, next++, figures);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
      figures.cycles += 1;
      onCycle(figures.cycles);
    }
  };
  // The others are waited for if one fails: no server is left behind.
  const lanes = await Promise.allSettled(Array.from({ length: atATime }, lane));
  for (const ended of lanes) if (ended.status === 'rejected') throw ended.reason;
  // A client that is busy hears of the shutdown before the end.
  expect(figures.shuttingDown, `TALLY_TEST_SEED=${firstSeed}`).toBeGreaterThan(0);
  const { exitMs, atOnceMs, ...others } = figures;
  const [slowestMs, slowestAtOnceMs] = [exitMs, atOnceMs].map(each => Math.round(Math.max(0, ...each)));
  console.log(`stopped under load: ${JSON.stringify({ ...others, slowestMs, slowestAtOnceMs })}`);
  return figures;
}

async function stopOnce(firstSeed: number, cycle: number, figures: ShutdownFigures): Promise<void> {
  // The first cycle of a run with this seed is this cycle again.
  const seed = firstSeed + cycle;
  const random = randomFrom(seed);
  const pick = <Value>(...values: Value[]) => values[Math.floor(random() * values.length)]!;
  const flags = ['--workers', pick('1', '2', '3')];
  // Events that cost something get a small ring: a full one of 65,536 takes seconds to empty, as it should.
  if (random() < 0.5) flags.push('--ring', pick('64', '1024', '65536'));
  else flags.push('--ring', pick('64', '1024'), '--work-us', '20', '--work', pick('cpu', 'block'));
  const server = await startServer(flags);
  const load = await Load.start({
    port: server.port,
    seed,
    connections: 8,
    users: 20,
    depth: pick(1, 16, 256),
    waitPercent: pick(0, 10),
    balancePercent: pick(0, 10),
  });
  await sleep(random() * LOAD_MS_MAX);
  const stopped = await stop(server, random);
  const tally = await load.ended();

  const what = `TALLY_TEST_SEED=${seed}, cycle ${cycle}: ${flags.join(' ')}, ${JSON.stringify(tally)}, ${JSON.stringify(stopped)}`;
  expect(tally.wrong, what).toEqual([]);
  expect(tally.other, what).toBe(0);
  figures.ways[stopped.way] += 1;
  if (stopped.way === 'kill') {
    // Nothing is promised then, but that no reply before was wrong.
    expect(stopped, what).toMatchObject({ exitCode: null, signal: 'SIGKILL', ledger: undefined });
  } else if (stopped.way === 'twice' && stopped.exitCode === null) {
    // It had said goodbye, and Node was taking the process down, where nobody watches signals any more.
    expect(stopped.signal, what).toBe(stopped.second);
    checkClean({ ...stopped, exitCode: stopped.ledger?.exitCode ?? null }, tally, what);
    figures.tooLate += 1;
  } else if (stopped.way === 'twice' && stopped.exitCode !== 0) {
    checkCutShort(stopped, tally, what);
    figures.cutShort += 1;
    figures.lostInLedger += stopped.ledger!.lost;
    figures.atOnceMs.push(stopped.sinceSecondMs);
  } else {
    checkClean(stopped, tally, what);
    figures.lost += stopped.ledger!.lost;
    if (stopped.way === 'once') figures.exitMs.push(stopped.elapsedMs);
  }
  figures.accepted += tally.accepted;
  figures.wrongReplies += tally.wrong.length;
  figures.shuttingDown += tally.shuttingDown;
  figures.unknown += tally.unknown;
}

async function stop(server: RunningServer, random: () => number): Promise<Stop> {
  const drawn = random() * 100;
  const way = drawn < KILL_PERCENT ? 'kill' : drawn < KILL_PERCENT + TWICE_PERCENT ? 'twice' : 'once';
  const [first, second] = [0, 1].map(() => (random() < 0.5 ? 'SIGTERM' : 'SIGINT')) as [
    NodeJS.Signals,
    NodeJS.Signals,
  ];
  const startMs = performance.now();
  server.process.kill(way === 'kill' ? 'SIGKILL' : first);
  let secondMs = startMs;
  if (way === 'twice') {
    await sleep(random() * SECOND_MS_MAX);
    secondMs = performance.now();
    server.process.kill(second);
  }
  const exited = await server.exited;
  const endMs = performance.now();
  // Of two that are pending when a busy process comes to look, the system hands over the lower number first.
  const isSwapped = exited.ledger !== undefined && exited.ledger.signal !== first;
  const seenSecond = isSwapped ? first : second;
  return { ...exited, elapsedMs: endMs - startMs, sinceSecondMs: endMs - secondMs, way, second: seenSecond };
}

/** It had the time it needs: all that was accepted has been applied. */
function checkClean({ exitCode, ledger, elapsedMs }: Stop, tally: Tally, what: string): void {
  expect(exitCode, what).toBe(0);
  const { received, processed, dropped, lost, lateWakes } = ledger!;
  expect({ lost, lateWakes }, what).toEqual({ lost: 0, lateWakes: 0 });
  expect(received, what).toBe(processed + dropped);
  // The server ends its side last, so every answer it gave has arrived: what was sent last has none.
  expect(processed, what).toBe(tally.accepted);
  expect(dropped, what).toBeGreaterThanOrEqual(tally.serverBusy + tally.shuttingDown);
  expect(elapsedMs, what).toBeLessThan(STOP_MS_MAX);
}

/** It may lose events then, but it says how many: each that a client was told of is applied or in that number. */
function checkCutShort({ exitCode, second, ledger, sinceSecondMs }: Stop, tally: Tally, what: string): void {
  expect(exitCode, what).toBe(128 + constants.signals[second]);
  const { received, processed, dropped, lost, lateWakes } = ledger!;
  expect({ exitCode: ledger!.exitCode, lateWakes }, what).toEqual({ exitCode, lateWakes: 0 });
  expect(received, what).toBe(processed + dropped + lost);
  expect(processed + lost, what).toBeGreaterThanOrEqual(tally.accepted);
  expect(processed + lost, what).toBeLessThanOrEqual(tally.accepted + tally.unknown);
  expect(sinceSecondMs, what).toBeLessThan(AT_ONCE_MS_MAX);
}

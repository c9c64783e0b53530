/**
 * Workers die under load, again and again; nobody may notice more than a refusal or a delay, and the money must
 * be exact afterwards. Every other server is stopped at the moment of the last death.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { randomFrom } from '../../src/tools/load/random.ts';
import { askBalances, askMetrics, HEALTH, HEALTHY } from './asking.ts';
import { Load, pickSeed } from './load.ts';
import { startServer } from './server.ts';

export type Death = 'kill' | 'crash';

const DEGRADED = '{"status":"degraded"}';
const WORKERS = 3;
/** Deaths of the workers of one server. */
const ROUND_DEATHS = 10;
/** Around the 100 ms after which a new worker counts as healthy, so that some restarts are put off. */
const PAUSE_MS_MAX = 130;
const RECOVERY_MS_MAX = 15_000;
const STOP_MS_MAX = 4_000;

export interface DeathFigures {
  deaths: number;
  degradedSeen: number;
  accepted: number;
  serverBusy: number;
  lost: number;
  wrongReplies: number;
  recoveryMs: number[];
  exitMs: number[];
}

/** `kill` ends the thread wherever it is; `crash` has it throw at its next event. */
export async function dieUnderLoad(
  how: Death,
  deaths: number,
  onDeath: (done: number) => void = () => {},
): Promise<DeathFigures> {
  const figures: DeathFigures = {
    deaths: 0,
    degradedSeen: 0,
    accepted: 0,
    serverBusy: 0,
    lost: 0,
    wrongReplies: 0,
    recoveryMs: [],
    exitMs: [],
  };
  const firstSeed = pickSeed();
  for (let round = 0; figures.deaths < deaths; round++) {
    const left = Math.min(ROUND_DEATHS, deaths - figures.deaths);
    // With a seed, the first round is this one again, but for whether it is stopped at a death.
    await dieInRound(how, left, firstSeed + round, round % 2 === 1, figures, onDeath);
  }
  expect(figures.degradedSeen, `TALLY_TEST_SEED=${firstSeed}`).toBeGreaterThan(0);
  const { recoveryMs, exitMs, ...others } = figures;
  const [slowestRecoveryMs, slowestExitMs] = [recoveryMs, exitMs].map(each => Math.round(Math.max(...each)));
  console.log(`${how}: ${JSON.stringify({ ...others, slowestRecoveryMs, slowestExitMs })}`);
  return figures;
}

async function dieInRound(
  how: Death,
  deaths: number,
  seed: number,
  isStoppedAtDeath: boolean,
  figures: DeathFigures,
  onDeath: (done: number) => void,
): Promise<void> {
  const random = randomFrom(seed);
  const what = `TALLY_TEST_SEED=${seed}, ${how}${isStoppedAtDeath ? ', stopped at the last death' : ''}`;
  const workUs = random() < 0.5 ? '0' : '30';
  const flags = ['--workers', String(WORKERS), '--ring', '64', '--work-us', workUs, '--debug-requests'];
  const server = await startServer(flags);
  const control = await Client.open(server.port);
  const load = await Load.start({
    port: server.port,
    seed,
    connections: 6,
    users: 20,
    depth: 64,
    waitPercent: 20,
    balancePercent: 10,
  });

  for (let death = 1; death <= deaths; death++) {
    await sleep(random() * PAUSE_MS_MAX);
    const worker = Math.floor(random() * WORKERS);
    const startMs = performance.now();
    expect(await control.ask(`{"type":"debug","do":"${how}","worker":${worker}}\n`)).toBe(HEALTHY);
    if (!(isStoppedAtDeath && death === deaths)) {
      await untilMended(control, death, what, figures);
      figures.recoveryMs.push(performance.now() - startMs);
    }
    figures.deaths += 1;
    onDeath(figures.deaths);
  }

  let tally = load.tally();
  if (!isStoppedAtDeath) {
    tally = await load.stop();
    expect(tally, what).toMatchObject({ unknown: 0, other: 0, shuttingDown: 0 });
    const accepted = load.accepted();
    expect(await askBalances(server.port, [...accepted.keys()]), what).toEqual([...accepted.values()]);
  }
  control.close();
  const { exitCode, ledger, elapsedMs } = await server.stop();
  if (isStoppedAtDeath) tally = await load.ended();
  expect(tally.wrong, what).toEqual([]);
  expect(tally.other, what).toBe(0);
  expect({ exitCode, ...ledger }, what).toMatchObject({
    exitCode: 0,
    received: ledger!.processed + ledger!.dropped,
    processed: tally.accepted,
    lost: 0,
    lateWakes: 0,
  });
  const refused = tally.serverBusy + tally.shuttingDown;
  // What is refused last may have no client left to hear of it.
  if (isStoppedAtDeath) expect(ledger!.dropped, what).toBeGreaterThanOrEqual(refused);
  else expect(ledger!.dropped, what).toBe(refused);
  // A worker that should have thrown at its next event may have met none before the end.
  expect(ledger!.workerDeaths, what).toBeLessThanOrEqual(deaths);
  expect(ledger!.workerDeaths, what).toBeGreaterThanOrEqual(deaths - (isStoppedAtDeath ? 1 : 0));
  expect(elapsedMs, what).toBeLessThan(STOP_MS_MAX);
  figures.accepted += tally.accepted;
  figures.serverBusy += tally.serverBusy;
  figures.lost += ledger!.lost;
  figures.wrongReplies += tally.wrong.length;
  figures.exitMs.push(elapsedMs);
}

/** Waits until the server has noticed a death and says that it is well again. */
async function untilMended(
  control: Client,
  death: number,
  what: string,
  figures: DeathFigures,
): Promise<void> {
  let isSeen = false;
  await until(
    async () => {
      // Asked several times a look: a worker is back within some milliseconds. The count comes first, because
      // the health of a moment before the death says nothing about the successor.
      for (let look = 0; look < 3; look++) {
        const { worker_deaths } = await askMetrics(control);
        const health = await control.ask(HEALTH);
        expect([HEALTHY, DEGRADED], what).toContain(health);
        if (health === DEGRADED) isSeen = true;
        else if (worker_deaths === death) return true;
      }
      return false;
    },
    `death ${death} to be noticed and mended; ${what}`,
    RECOVERY_MS_MAX,
  );
  if (isSeen) figures.degradedSeen += 1;
}

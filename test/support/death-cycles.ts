/**
 * Workers die under load, again and again; nobody may notice more than a refusal or a delay, and the money must
 * be exact afterwards.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { randomFrom } from '../../bench/load/random.ts';
import { askBalances, askMetrics, HEALTH, HEALTHY } from './asking.ts';
import { Client, until } from './client.ts';
import { Load, pickSeed } from './load.ts';
import { startServer } from './server.ts';

const DEGRADED = '{"status":"degraded"}';
const WORKERS = 3;
/** Around the 100 ms after which a new worker counts as healthy, so that some restarts are put off. */
const PAUSE_MS_MAX = 130;

export interface DeathFigures {
  deaths: number;
  degradedSeen: number;
  accepted: number;
  serverBusy: number;
  slowestRecoveryMs: number;
}

/** `kill` ends the thread wherever it is; `crash` has it throw at its next event. */
export async function dieUnderLoad(how: 'kill' | 'crash', deaths: number): Promise<DeathFigures> {
  const seed = pickSeed();
  const random = randomFrom(seed);
  const what = `TALLY_TEST_SEED=${seed}`;
  const flags = [
    '--workers',
    String(WORKERS),
    '--ring',
    '64',
    '--work-us',
    random() < 0.5 ? '0' : '30',
    '--debug-requests',
  ];
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

  const figures: DeathFigures = { deaths, degradedSeen: 0, accepted: 0, serverBusy: 0, slowestRecoveryMs: 0 };
  for (let death = 1; death <= deaths; death++) {
    await sleep(random() * PAUSE_MS_MAX);
    const worker = Math.floor(random() * WORKERS);
    const startMs = performance.now();
    expect(await control.ask(`{"type":"debug","do":"${how}","worker":${worker}}\n`)).toBe(HEALTHY);
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
      `death ${death} of worker ${worker} to be noticed and mended; ${what}`,
      15_000,
    );
    if (isSeen) figures.degradedSeen += 1;
    figures.slowestRecoveryMs = Math.max(figures.slowestRecoveryMs, Math.round(performance.now() - startMs));
  }

  const tally = await load.stop();
  expect(tally.wrong, what).toEqual([]);
  expect(tally, what).toMatchObject({ unknown: 0, other: 0, shuttingDown: 0 });
  const accepted = load.accepted();
  expect(await askBalances(server.port, [...accepted.keys()]), what).toEqual([...accepted.values()]);
  expect(figures.degradedSeen, what).toBeGreaterThan(0);
  control.close();
  const { exitCode, ledger } = await server.stop();
  expect({ exitCode, ...ledger }, what).toMatchObject({
    exitCode: 0,
    processed: tally.accepted,
    dropped: tally.serverBusy,
    lost: 0,
    lateWakes: 0,
    workerDeaths: deaths,
  });
  figures.accepted = tally.accepted;
  figures.serverBusy = tally.serverBusy;
  console.log(`${how}: ${JSON.stringify(figures)}`);
  return figures;
}

/**
 * The server is stopped at a random moment under load, again and again; each time its ledger must agree with
 * what the clients were told.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { randomFrom } from '../../bench/load/random.ts';
import { Load, pickSeed } from './load.ts';
import { startServer } from './server.ts';

/** Well under the 8 s of the hard limit: 100 ms in which clients hear of it, and what the rings take to empty. */
const STOP_MS_MAX = 4_000;
const LOAD_MS_MAX = 150;

export interface ShutdownFigures {
  cycles: number;
  accepted: number;
  shuttingDown: number;
  unknown: number;
  slowestMs: number;
}

export async function stopUnderLoad(cycles: number): Promise<ShutdownFigures> {
  const figures: ShutdownFigures = { cycles, accepted: 0, shuttingDown: 0, unknown: 0, slowestMs: 0 };
  const firstSeed = pickSeed();
  for (let cycle = 0; cycle < cycles; cycle++) {
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
    const stopped = await server.stop(pick('SIGTERM', 'SIGINT'));
    const tally = await load.ended();

    const what = `TALLY_TEST_SEED=${seed}, cycle ${cycle}: ${flags.join(' ')}, ${JSON.stringify(tally)}, ${JSON.stringify(stopped)}`;
    expect(stopped.exitCode, what).toBe(0);
    const { received, processed, dropped, lost, lateWakes } = stopped.ledger!;
    expect(tally.wrong, what).toEqual([]);
    expect(tally.other, what).toBe(0);
    expect({ lost, lateWakes }, what).toEqual({ lost: 0, lateWakes: 0 });
    expect(received, what).toBe(processed + dropped);
    // The server ends its side last, so every answer it gave has arrived: what was sent last has none.
    expect(processed, what).toBe(tally.accepted);
    expect(dropped, what).toBeGreaterThanOrEqual(tally.serverBusy + tally.shuttingDown);
    expect(stopped.elapsedMs, what).toBeLessThan(STOP_MS_MAX);

    figures.accepted += tally.accepted;
    figures.shuttingDown += tally.shuttingDown;
    figures.unknown += tally.unknown;
    figures.slowestMs = Math.max(figures.slowestMs, Math.round(stopped.elapsedMs));
  }
  // A client that is busy hears of the shutdown before the end.
  expect(figures.shuttingDown, `TALLY_TEST_SEED=${firstSeed}`).toBeGreaterThan(0);
  console.log(`stopped under load: ${JSON.stringify(figures)}`);
  return figures;
}

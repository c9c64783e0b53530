/**
 * This build beside another one, in memory: for changes whose effect is smaller than the drift of a machine. Both
 * servers run all the time, and the client in C loads them in turn, half a second each, many times. What counts is the
 * ratio within a round.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DEFAULT_WORK } from '../../src/tools/load/plan.ts';
import type { Bench, Measure, Size } from '../bench.ts';
import { quartilesOf, ratiosTo } from '../ratios.ts';
import { currentCommit } from '../record.ts';
import { alternate, type Trial } from '../rounds.ts';
import { measureInC, withClientInC } from './client-in-c.ts';
import type { PeerProcess } from './process.ts';
import { startTally, TALLY } from './subjects.ts';
import { depthsOf, figuresOf, planOf, USERS, untilSound } from './trial.ts';

const THIS = 'this build';
const ROUNDS: Record<Size, number> = { small: 2, full: 25 };
const RUN_MS: Record<Size, number> = { small: 100, full: 500 };
/** Until the queues are as they stay. */
const WARMUP_MS = 50;
const MAIN = 'dist/src/cli/main.js';

export const bench: Bench = {
  name: 'against',
  about: 'This build beside the one of --build, in short runs in turn, by depth',
  run: (size, say, { build = '' }) =>
    withClientInC(say, async program => {
      const main = resolve(build, MAIN);
      if (!existsSync(main))
        throw new Error(`there is no ${join(build, MAIN)}: npm ci && npm run build there`);
      if (program === undefined) return [];
      const other = `build ${currentCommit(resolve(build))}`;
      const measures: Measure[] = [];
      for (const depth of depthsOf(size)) {
        say(`depth ${depth}`);
        // A refused line spoils the money of a server for good, so all of the depth is done again.
        const found = await untilSound(
          () => besides(program, { [THIS]: undefined, [other]: main }, depth, size),
          say,
        );
        measures.push(...found);
      }
      return [...measures, ...ratiosOf(other, measures)];
    }),
};

/** Runs the programs beside one another, and loads them in turn. */
async function besides(
  client: string,
  programs: Record<string, string | undefined>,
  depth: number,
  size: Size,
): Promise<Measure[]> {
  const running: PeerProcess[] = [];
  try {
    const trials: Trial[] = [];
    for (const [subject, main] of Object.entries(programs)) {
      const server = await startTally([], [], main === undefined ? {} : { main });
      running.push(server);
      trials.push({ subject, condition: `depth ${depth}`, run: runsOn(server, client, depth, size) });
    }
    return await alternate(ROUNDS[size], trials);
  } finally {
    for (const server of running) await server.stop();
  }
}

/** Each run finds the balances that those before it have left. */
function runsOn(server: PeerProcess, client: string, depth: number, size: Size): Trial['run'] {
  const before = new Float64Array(USERS);
  const load = { subject: TALLY.name, mix: DEFAULT_WORK.mix, depth, noun: 'event' as const };
  const plan = {
    ...planOf(server.port, TALLY, load, size),
    warmupMs: WARMUP_MS,
    durationMs: RUN_MS[size],
  };
  return async () => {
    const measured = await measureInC(client, plan, TALLY, server.cpuSeconds, { before });
    measured.result.amounts.forEach((amount, user) => {
      before[user]! += amount;
    });
    return figuresOf(measured, 'event');
  };
}

function ratiosOf(other: string, measures: Measure[]): Measure[] {
  return ['events/s', 'µs CPU/event'].flatMap(unit =>
    ratiosTo(other, [THIS], unit, measures).flatMap(quartilesOf),
  );
}

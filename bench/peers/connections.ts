/**
 * Many connections. First the same rate over more and more of them: how much more a connection costs that sends
 * rarely. Then as many open ones as possible: the memory of each, and their influence on the others.
 */
import { readFileSync } from 'node:fs';
import { settledResidentKiB } from '../../src/tools/harness/memory.ts';
import { readBalances } from '../../src/tools/load/money.ts';
import { runLoad } from '../../src/tools/load/run.ts';
import type { Bench, Measure, Size } from '../bench.ts';
import { alternate, type Figure, type Trial } from '../rounds.ts';
import { IDLE_USER, openIdle } from './idle.ts';
import { checkSent, latencyFigures, openPlan } from './open-loop.ts';
import type { PeerProcess } from './process.ts';
import { FLOOR, type Subject, startTally, TALLY } from './subjects.ts';
import { checkLoad, measure, onFresh, untilSound } from './trial.ts';

const COUNTS: Record<Size, number[]> = { small: [100], full: [50, 1_000, 10_000] };
const RATE: Record<Size, number> = { small: 2_000, full: 50_000 };
const MOST: Record<Size, number> = { small: 200, full: 15_000 };
const RATE_OF_MOST: Record<Size, number> = { small: 1_000, full: 20_000 };
const ACTIVE = 50;
/** Lines come one at a time, unless the server is behind. */
const DEPTH = 16;
const ROUNDS: Record<Size, number> = { small: 1, full: 3 };
/** Of this process, and of the server: for all but the connections. */
const DESCRIPTORS_SPARE = 200;
/** Beside those that are measured: the one that reads the balances. */
const CONNECTIONS_SPARE = 10;

const SUBJECTS: Subject[] = [
  {
    ...TALLY,
    start: () =>
      startTally(['--connections-max', String(MOST.full + CONNECTIONS_SPARE), '--backlog', '1024']),
  },
  FLOOR,
];

interface Setting {
  server: Subject;
  size: Size;
  say: (line: string) => void;
}

export const bench: Bench = {
  name: 'connections',
  about: 'Tally and the floor of Node with many connections: processor time, memory and latency',
  async run(size, say) {
    const room = descriptorLimit() - DESCRIPTORS_SPARE;
    const most = Math.min(MOST[size], room);
    if (most < MOST[size])
      say(
        `this process may open ${room} connections; ${named(most)} are measured in place of ${named(MOST[size])}`,
      );
    const counts = COUNTS[size].map(count => Math.min(count, most));
    const measures: Measure[] = [];
    const settings = SUBJECTS.map(server => ({ server, size, say }));
    const trials = counts.flatMap(count => settings.map(setting => costTrial(setting, count)));
    measures.push(...(await alternate(ROUNDS[size], trials, say)));
    say(`${named(most)} connections`);
    const ofMost = [idleTrial, activeTrial].flatMap(trial => settings.map(setting => trial(setting, most)));
    measures.push(...(await alternate(ROUNDS[size], ofMost, say)));
    return measures;
  },
};

/** All of them share the rate. */
function costTrial({ server, size, say }: Setting, connections: number): Trial {
  const load = { connections, depth: DEPTH, ratePerS: RATE[size] };
  const once = async (): Promise<Figure[]> => {
    const { result, cpuS } = await onFresh(server, ({ port, cpuSeconds }) =>
      measure(openPlan(port, server, load, size), cpuSeconds),
    );
    checkSent(result, server, size);
    checkLoad(result, server);
    if (cpuS === undefined) return [];
    return [{ unit: 'µs CPU/event', better: 'lower', value: (cpuS * 1e6) / result.answered }];
  };
  return {
    subject: server.name,
    condition: `${named(connections)} connections`,
    run: () => untilSound(once, say),
  };
}

/** All are open, a few send. */
function idleTrial({ server, size, say }: Setting, most: number): Trial {
  const once = () => onFresh(server, running => measureIdle(server, running, most, size));
  return {
    subject: server.name,
    condition: `${named(most)} open, ${ACTIVE} send`,
    run: () => untilSound(once, say),
  };
}

async function measureIdle(
  server: Subject,
  running: PeerProcess,
  most: number,
  size: Size,
): Promise<Figure[]> {
  const plan = openPlan(
    running.port,
    server,
    { connections: ACTIVE, depth: DEPTH, ratePerS: RATE_OF_MOST[size] },
    size,
  );
  // Not warmed up: memory freed by a load would be reused by the connections, which would seem to need less.
  const beforeKiB = await settledResidentKiB(running.pid);
  const idle = await openIdle(running.port, most - ACTIVE);
  try {
    const afterKiB = await settledResidentKiB(running.pid);
    const result = await runLoad(plan);
    checkSent(result, server, size);
    checkLoad(result, server);
    idle.check();
    if (server.keepsMoney) {
      const [balance] = await readBalances(plan, [IDLE_USER], [0]);
      if (balance !== most - ACTIVE)
        throw new Error(
          `${server.name}: ${balance} of ${most - ACTIVE} idle connections' events were applied`,
        );
    }
    const latencies = latencyFigures(result);
    if (beforeKiB === undefined || afterKiB === undefined) return latencies;
    const value = (afterKiB - beforeKiB) / (most - ACTIVE);
    return [{ unit: 'KiB resident/connection', better: 'lower', value }, ...latencies];
  } finally {
    await idle.close();
  }
}

/** All are open and all send, at the same rate in total. */
function activeTrial({ server, size, say }: Setting, most: number): Trial {
  const load = { connections: most, depth: DEPTH, ratePerS: RATE_OF_MOST[size] };
  const once = async (): Promise<Figure[]> => {
    const result = await onFresh(server, ({ port }) => runLoad(openPlan(port, server, load, size)));
    checkSent(result, server, size);
    checkLoad(result, server);
    return latencyFigures(result);
  };
  return {
    subject: server.name,
    condition: `${named(most)} open, all send`,
    run: () => untilSound(once, say),
  };
}

function named(count: number): string {
  return count.toLocaleString('en-US');
}

/** Node raises the soft limit to the hard one when it starts, so the servers' is the same. */
function descriptorLimit(): number {
  try {
    const row = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return row === undefined ? Number.POSITIVE_INFINITY : Number(row);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/**
 * How long a reply takes at a rate that does not wait for the server: Tally, Redis and the floor of Node. The client
 * needs a core of its own for its pace, so on two cores all of a server's threads share the other one.
 */
import type { Bench, Measure, Size } from '../bench.ts';
import { alternate, type Figure, type Trial } from '../rounds.ts';
import { checkSent, latencyFigures, type OpenLoad, openPlan, perS } from './open-loop.ts';
import { FLOOR, redisIfInstalled, type Subject, TALLY } from './subjects.ts';
import { CONNECTIONS, checkLoad, measure, onFresh, ROUNDS, untilSound } from './trial.ts';

const RATES: Record<Size, number[]> = { small: [2_000], full: [50_000, 100_000] };

export const bench: Bench = {
  name: 'latency',
  about: 'Tally, Redis and the floor of Node in an open loop: how long a reply takes, by rate',
  async run(size, say) {
    const subjects = [TALLY, ...(await redisIfInstalled(say)), FLOOR];
    const measures: Measure[] = [];
    for (const ratePerS of RATES[size]) {
      say(perS(ratePerS));
      const trials = subjects.map(server => trialOf(server, ratePerS, size, say));
      measures.push(...(await alternate(ROUNDS[size], trials, say)));
    }
    return measures;
  },
};

function trialOf(server: Subject, ratePerS: number, size: Size, say: (line: string) => void): Trial {
  const load = { connections: CONNECTIONS, depth: 1, ratePerS };
  return {
    subject: server.name,
    condition: perS(ratePerS),
    run: () => untilSound(() => askAtRate(server, load, size, say), say),
  };
}

/** The latencies of one open loop on a new server; its answers and its money are checked. */
export async function askAtRate(
  server: Subject,
  load: OpenLoad,
  size: Size,
  say: (line: string) => void,
): Promise<Figure[]> {
  const { result } = await onFresh(server, ({ port, cpuSeconds }) =>
    measure(openPlan(port, server, load, size), cpuSeconds),
  );
  checkSent(result, server, size);
  checkLoad(result, server);
  const latePart = (100 * result.late) / result.sent;
  if (latePart >= 1) say(`${server.name}: ${latePart.toFixed(0)} % of the lines left more than 2 ms late`);
  return latencyFigures(result);
}

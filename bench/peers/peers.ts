/**
 * Tally compared with alternatives: Redis, the server that most people would write in Node, and a minimal server in
 * Node. The same lines, in turn; the money of every trial is checked. Two clients drive each of them: the load
 * generator, in JavaScript, and one in C. If a client is saturated, as the generator is with one line at a time,
 * different servers look alike; the other client then shows the difference.
 *
 * Events a second depend on server and client, which share the machine; processor time an event is the server's own,
 * and predicts its throughput on a bigger machine. The client's is shown too, and tells which of the two is the
 * limit.
 */

import { DEFAULT_WORK, type LoadPlan } from '../../src/tools/load/plan.ts';
import type { LoadResult } from '../../src/tools/load/result.ts';
import type { Bench, Measure, Size } from '../bench.ts';
import { alternate, type Figure, type Trial } from '../rounds.ts';
import { measureInC, withClientInC } from './client-in-c.ts';
import { FLOOR, PLAIN, redisIfInstalled, type Subject, TALLY } from './subjects.ts';
import {
  checkLoad,
  depthsOf,
  figuresOf,
  type MeasuredLoad,
  measure,
  onFresh,
  planOf,
  ROUNDS,
  untilSound,
} from './trial.ts';
import { CLIENT_CPU, IN_C, IN_JAVASCRIPT } from './worse.ts';

export interface Client {
  name: string;
  /** Runs a load, and checks its answers and its money. */
  measure(
    plan: LoadPlan,
    server: Subject,
    cpuSeconds: () => number | undefined,
  ): Promise<MeasuredLoad<Pick<LoadResult, 'answered' | 'ratePerS'>>>;
}

export const GENERATOR: Client = {
  name: IN_JAVASCRIPT,
  async measure(plan, server, cpuSeconds) {
    const measured = await measure(plan, cpuSeconds);
    checkLoad(measured.result, server);
    return measured;
  },
};

export function clientInC(program: string): Client {
  return { name: IN_C, measure: (...load) => measureInC(program, ...load) };
}

export const bench: Bench = {
  name: 'peers',
  about: 'Tally, Redis, a plain Node server and the floor of Node, side by side, by depth and client',
  run: (size, say) =>
    withClientInC(say, async program => {
      const subjects = [TALLY, ...(await redisIfInstalled(say)), PLAIN, FLOOR];
      const clients = program === undefined ? [GENERATOR] : [GENERATOR, clientInC(program)];
      const measures: Measure[] = [];
      for (const depth of depthsOf(size)) {
        say(`depth ${depth}`);
        const trials = clients.flatMap(client =>
          subjects.map(server => trialBy(client, server, depth, size, say)),
        );
        measures.push(...(await alternate(ROUNDS[size], trials, say)));
      }
      return measures;
    }),
};

export function trialBy(
  client: Client,
  server: Subject,
  depth: number,
  size: Size,
  say: (line: string) => void,
): Trial {
  const load = { subject: server.name, mix: DEFAULT_WORK.mix, depth, noun: 'event' as const };
  const once = async (): Promise<Figure[]> => {
    const measured = await onFresh(server, ({ port, cpuSeconds }) =>
      client.measure(planOf(port, server, load, size), server, cpuSeconds),
    );
    const { result, clientCpuS = Number.NaN } = measured;
    return [
      ...figuresOf(measured, 'event'),
      { unit: CLIENT_CPU, better: 'lower', value: (clientCpuS * 1e6) / result.answered },
    ];
  };
  return {
    subject: server.name,
    condition: `depth ${depth}, ${client.name}`,
    run: () => untilSound(once, say),
  };
}

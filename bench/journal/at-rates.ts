/**
 * How long an acknowledgement takes that comes when the event is on the disk, in an open loop: Tally beside Redis, at a
 * low rate, and at half of what the slower one can do.
 */
import { median } from '../../src/tools/harness/samples.ts';
import type { Measure, Size } from '../bench.ts';
import { askAtRate } from '../peers/latency.ts';
import { perS } from '../peers/open-loop.ts';
import type { Subject } from '../peers/subjects.ts';
import { CONNECTIONS, ROUNDS, SpoiltError, untilSound } from '../peers/trial.ts';
import { ratiosTo } from '../ratios.ts';
import { alternate, type Trial } from '../rounds.ts';
import { ALWAYS, REDIS_ALWAYS } from './subjects.ts';

const DEPTH = 16;
const LOW_PER_S: Record<Size, number> = { small: 2_000, full: 20_000 };
/** A rate that is too high is tried at this share of it. */
const LESS = 0.75;

type Say = (line: string) => void;

export async function measureAtRates(
  subjects: readonly Subject[],
  rates: readonly Measure[],
  size: Size,
  say: Say,
): Promise<Measure[]> {
  const servers = [ALWAYS, REDIS_ALWAYS].filter(server => subjects.includes(server));
  const low = LOW_PER_S[size];
  const high = size === 'small' ? undefined : await highRate(servers, rates, low, say);
  const measures: Measure[] = [];
  for (const ratePerS of high === undefined ? [low] : [low, high]) {
    say(perS(ratePerS));
    const trials = servers.map(
      (server): Trial => ({
        subject: server.name,
        condition: perS(ratePerS),
        run: () => untilSound(() => ask(server, ratePerS, size, say), say),
      }),
    );
    measures.push(...(await alternate(ROUNDS[size], trials, say)));
  }
  const ratios = ratiosTo(REDIS_ALWAYS.name, [ALWAYS.name], 'ms until answered, p99', measures);
  return [...measures, ...ratios];
}

/** Half of the slower one's most; less, if a client that keeps its pace on a core of its own leaves too little for it. */
async function highRate(
  servers: readonly Subject[],
  rates: readonly Measure[],
  low: number,
  say: Say,
): Promise<number | undefined> {
  const most = servers.map(({ name }) => {
    const found = rates.find(
      ({ subject, condition, unit }) =>
        subject === name && condition === `depth ${DEPTH}` && unit === 'events/s',
    );
    return median(found!.samples);
  });
  for (let rate = rounded(Math.min(...most) / 2); rate > low; rate = rounded(rate * LESS)) {
    try {
      for (const server of servers) await ask(server, rate, 'full', say);
      return rate;
    } catch (error) {
      if (!(error instanceof SpoiltError)) throw error;
      say(error.message);
    }
  }
  return undefined;
}

function ask(server: Subject, ratePerS: number, size: Size, say: Say) {
  return askAtRate(server, { connections: CONNECTIONS, depth: DEPTH, ratePerS }, size, say);
}

/** To two digits. */
function rounded(rate: number): number {
  return Number(rate.toPrecision(2));
}

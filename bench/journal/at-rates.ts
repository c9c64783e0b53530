/**
 * How long an acknowledgement takes that comes when the event is on the disk, in an open loop: Tally beside Redis, at a
 * low rate, and at half of what the slower one can do.
 */
import { median } from '../../src/tools/harness/samples.ts';
import type { Pace } from '../../src/tools/load/plan.ts';
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
/** A rate that turns out to be too high is tried again at this share of it, so often. */
const LESS = 0.75;
const LESS_TIMES_MAX = 4;

type Say = (line: string) => void;

export async function measureAtRates(
  subjects: readonly Subject[],
  rates: readonly Measure[],
  size: Size,
  say: Say,
): Promise<Measure[]> {
  const servers = [ALWAYS, REDIS_ALWAYS].filter(server => subjects.includes(server));
  const low = LOW_PER_S[size];
  const wanted: [number, Pace][] =
    size === 'small'
      ? [[low, 'precise']]
      : [
          [low, 'thrifty'],
          [low, 'precise'],
          [halfOfMost(servers, rates), 'precise'],
        ];
  const measures: Measure[] = [];
  for (const [ratePerS, pace] of wanted)
    measures.push(...(await measureAbout(servers, ratePerS, pace, size, say)));
  const ratios = ratiosTo(REDIS_ALWAYS.name, [ALWAYS.name], 'ms until answered, p99', measures);
  return [...measures, ...ratios];
}

/**
 * At this rate, or at less, if one of them can't bear it: a precise client keeps its pace on a core of its own, which
 * the servers had when their most was measured. Nothing, with a message, if they can't bear much less either.
 */
async function measureAbout(
  servers: Subject[],
  wanted: number,
  pace: Pace,
  size: Size,
  say: Say,
): Promise<Measure[]> {
  for (
    let times = 0, ratePerS = wanted;
    times <= LESS_TIMES_MAX;
    times++, ratePerS = rounded(ratePerS * LESS)
  ) {
    const condition =
      pace === 'precise' ? perS(ratePerS) : `${perS(ratePerS)}, a client that leaves the cores`;
    say(condition);
    const trials = servers.map(
      (server): Trial => ({
        subject: server.name,
        condition,
        run: () => untilSound(() => ask(server, { ratePerS, pace }, size, say), say),
      }),
    );
    try {
      return await alternate(ROUNDS[size], trials, say);
    } catch (error) {
      if (!(error instanceof SpoiltError)) throw error;
      say(error.message);
    }
  }
  say(`so there are no latencies at about ${perS(wanted)}`);
  return [];
}

/** Half of the slower one's. */
function halfOfMost(servers: readonly Subject[], rates: readonly Measure[]): number {
  const most = servers.map(({ name }) => {
    const found = rates.find(
      ({ subject, condition, unit }) =>
        subject === name && condition === `depth ${DEPTH}` && unit === 'events/s',
    );
    return median(found!.samples);
  });
  return rounded(Math.min(...most) / 2);
}

function ask(server: Subject, load: { ratePerS: number; pace: Pace }, size: Size, say: Say) {
  return askAtRate(server, { connections: CONNECTIONS, depth: DEPTH, ...load }, size, say);
}

/** To two digits. */
function rounded(rate: number): number {
  return Number(rate.toPrecision(2));
}

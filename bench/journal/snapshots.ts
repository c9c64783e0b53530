/**
 * What clients notice of the archivist: how long an acknowledgement takes under full load, with segments so small that
 * it makes one snapshot after another, and with those of usual size, before the first one is due.
 */
import { DEFAULT_WORK } from '../../src/tools/load/plan.ts';
import type { Measure, Size } from '../bench.ts';
import { Asker } from '../peers/asker.ts';
import { latencyFigures } from '../peers/open-loop.ts';
import type { Subject } from '../peers/subjects.ts';
import { checkLoad, measure, onFresh, planOf, ROUNDS, SpoiltError, untilSound } from '../peers/trial.ts';
import { ratiosTo } from '../ratios.ts';
import { alternate, type Figure } from '../rounds.ts';
import { withJournal } from './subjects.ts';

const DEPTHS: Record<Size, number[]> = { small: [16], full: [16, 128] };
/** So small that they are full many times a second, at the events that this depth brings. */
const smallBytes = (depth: number) => 2 ** 14 * Math.min(depth, 64);
/** The default: the first snapshot comes after 128 MiB, about 16 million events. */
const LARGE_BYTES = 2 ** 26;
/** Fewer are not one after another. */
const SNAPSHOTS_MIN: Record<Size, number> = { small: 0, full: 3 };
const ALL = 'snapshots all the time';
const NONE = 'no snapshots';

export async function measureSnapshots(size: Size, say: (line: string) => void): Promise<Measure[]> {
  const flags = (bytes: number) => ['--sync', 'always', '--segment-bytes', String(bytes)];
  const measures: Measure[] = [];
  for (const depth of DEPTHS[size]) {
    say(`snapshots, depth ${depth}`);
    const servers = [withJournal(ALL, flags(smallBytes(depth))), withJournal(NONE, flags(LARGE_BYTES))];
    const trials = servers.map(server => ({
      subject: server.name,
      condition: `depth ${depth}`,
      run: () => untilSound(() => underLoad(server, depth, size), say),
    }));
    try {
      measures.push(...(await alternate(ROUNDS[size], trials, say)));
    } catch (error) {
      if (!(error instanceof SpoiltError)) throw error;
      say(`${error.message}, so there are no latencies with snapshots at depth ${depth}`);
    }
  }
  return [...measures, ...ratiosTo(NONE, [ALL], underFullLoad('ms until answered, p99'), measures)];
}

async function underLoad(server: Subject, depth: number, size: Size): Promise<Figure[]> {
  const load = { subject: server.name, mix: DEFAULT_WORK.mix, depth, noun: 'event' as const };
  const { result, snapshots } = await onFresh(server, async ({ port, cpuSeconds }) => {
    const { result } = await measure(planOf(port, server, load, size), cpuSeconds);
    return { result, snapshots: await snapshotsOf(port) };
  });
  checkLoad(result, server);
  if (server.name === NONE && snapshots > 0)
    throw new SpoiltError(`${snapshots} snapshots were made where none should be`);
  if (server.name === ALL && snapshots < SNAPSHOTS_MIN[size])
    throw new SpoiltError(`only ${snapshots} snapshots were made`);
  return latencyFigures(result).map(figure => ({ ...figure, unit: underFullLoad(figure.unit) }));
}

async function snapshotsOf(port: number): Promise<number> {
  const asker = await Asker.open(port);
  try {
    const { journal } = JSON.parse(await asker.ask('{"type":"metrics","detail":true}')) as {
      journal: { snapshots: number };
    };
    return journal.snapshots;
  } finally {
    asker.close();
  }
}

function underFullLoad(unit: string): string {
  return unit.replace('answered', 'answered under full load');
}

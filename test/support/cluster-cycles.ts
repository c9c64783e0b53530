/**
 * Three nodes over three nats-servers under load, while processes die and stop, links fail, a disk fills up, and clocks
 * differ: whatever happens, what was promised is so (test/cluster/chaos).
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FAULTS, type FaultName } from '../cluster/chaos/faults.ts';
import { Run, type Seen } from '../cluster/chaos/run.ts';
import { type Balances, settle } from '../cluster/chaos/settled.ts';
import { Trio } from '../cluster/chaos/trio.ts';
import { wordsOf } from '../cluster/history.ts';
import { pickSeed } from './load.ts';
import { CLI } from './server.ts';

/** Then all is started anew: a node that is started reads all that ever was. */
const RUNS_OF_A_TRIO = 15;
const COMPLAINTS_SHOWN = 5;

export interface ClusterFigures {
  runs: number;
  /** By kind, how often it happened. */
  faults: Record<FaultName, number>;
  events: number;
  transfers: number;
  returned: number;
  insufficient: number;
  reads: number;
  fresh: number;
  /** Events without an id whose connection was lost. */
  unknown: number;
  connections: number;
  cuts: number;
  resent: number;
  busy: number;
  repeats: number;
  histories: number;
  undecided: number;
  /** Starts of nodes that were refused while NATS could not be reached. */
  refusals: number;
  /** Nodes that had been away for so long that the streams were purged meanwhile, and ended. */
  fellBehind: number;
  complaints: number;
  /** No disk could be filled here. */
  withoutDisk: number;
}

export interface ClusterOptions {
  runs: number;
  /** The compiled program of the nodes. */
  program?: string;
  onRun?: (done: number) => void;
}

/** Throws an error that says what was not as it must be, in which run, with its seed. */
export async function tortureCluster({
  runs,
  program = CLI,
  onRun,
}: ClusterOptions): Promise<ClusterFigures> {
  const figures = noFigures();
  const seed = pickSeed();
  while (figures.runs < runs) {
    const trio = await Trio.start(program, seed + figures.runs);
    try {
      await playEra(trio, seed, Math.min(runs, figures.runs + RUNS_OF_A_TRIO), figures, onRun);
    } finally {
      await trio.stop();
    }
  }
  console.log(`a cluster was tortured: ${JSON.stringify({ seed, ...figures })}`);
  return figures;
}

async function playEra(
  trio: Trio,
  seed: number,
  until: number,
  figures: ClusterFigures,
  onRun: ClusterOptions['onRun'],
): Promise<void> {
  const all: Balances = new Map();
  while (figures.runs < until) {
    const number = seed + figures.runs;
    const what = `run ${figures.runs + 1}, TALLY_TEST_SEED=${number}`;
    const seen = await new Run(trio, `r${figures.runs}`, number).play().catch(error => {
      const outputs = trio.complaints();
      throw new Error(`${what}: ${(error as Error).message}; ${outputs.join('\n')}`, { cause: error });
    });
    if (seen.complaints.length > 0) {
      figures.complaints += seen.complaints.length;
      const some = seen.complaints.slice(0, COMPLAINTS_SHOWN).join('\n');
      throw new Error(
        `${what}, with ${seen.faults.join(' and ')}: ${seen.complaints.length} complaints:\n${some}\nthe history is in ${keepHistory(seen)}`,
      );
    }
    for (const [user, balance] of seen.balances) all.set(user, balance);
    take(figures, seen, trio);
    onRun?.(figures.runs);
  }
  await checkAll(trio, all);
}

/** Of all runs, every balance is still what it was then, on every node; and the nodes end cleanly. */
async function checkAll(trio: Trio, all: Balances): Promise<void> {
  let connection = 0;
  const ports = trio.nodes.map(({ port }) => port!);
  const { balances, complaints } = await settle(ports, [...all.keys()], () => ++connection);
  const changed = [...all].filter(([user, balance]) => balances[0]!.get(user) !== balance);
  const exits = await Promise.all(trio.nodes.map(node => node.stop()));
  const wrong = [
    ...complaints,
    ...changed.map(([user, balance]) => `${user} had ${balance}, and has ${balances[0]!.get(user)}`),
    ...exits.flatMap((exit, node) => (exit === 0 ? [] : [`node ${node} ended with ${exit}`])),
  ];
  if (wrong.length > 0) throw new Error(`behind all runs: ${wrong.slice(0, COMPLAINTS_SHOWN).join('\n')}`);
}

function take(figures: ClusterFigures, seen: Seen, trio: Trio): void {
  figures.runs += 1;
  for (const fault of seen.faults) figures.faults[fault] += 1;
  for (const [name, count] of Object.entries(seen.counts)) figures[name as keyof Seen['counts']] += count;
  for (const name of ['connections', 'cuts', 'resent', 'busy'] as const) figures[name] += seen.shared[name];
  for (const name of ['histories', 'undecided', 'repeats'] as const) figures[name] += seen[name];
  for (const node of trio.nodes) {
    figures.refusals += node.refusals;
    figures.fellBehind += node.fellBehind;
    node.refusals = 0;
    node.fellBehind = 0;
  }
  if (trio.diskOf === undefined) figures.withoutDisk = 1;
}

/** For who wants to see more than the complaints. Returns the file. */
function keepHistory({ deeds }: Seen): string {
  const file = join(mkdtempSync(join(tmpdir(), 'tally-history-')), 'history.txt');
  writeFileSync(file, deeds.map(deed => `${wordsOf(deed)}\n`).join(''));
  return file;
}

function noFigures(): ClusterFigures {
  const faults = Object.fromEntries(Object.keys(FAULTS).map(fault => [fault, 0])) as ClusterFigures['faults'];
  return {
    ...{ runs: 0, faults, events: 0, transfers: 0, returned: 0, insufficient: 0, reads: 0, fresh: 0 },
    ...{ unknown: 0, connections: 0, cuts: 0, resent: 0, busy: 0, repeats: 0, histories: 0, undecided: 0 },
    ...{ refusals: 0, fellBehind: 0, complaints: 0, withoutDisk: 0 },
  };
}

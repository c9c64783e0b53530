/** What goes wrong in a run: each fault begins, and ends by itself a while later. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_CLUSTER } from '../../../src/cluster/link-options.ts';
import { streamOf } from '../../../src/cluster/names.ts';
import type { NatsServer } from '../../../src/tools/cluster/nats-servers.ts';
import { randomFrom } from '../../../src/tools/load/random.ts';
import type { ChaosNode } from './chaos-node.ts';
import type { NodeLink } from './node-link.ts';
import type { Trio } from './trio.ts';

/** How long a process is stopped, and how long a link is disturbed. */
const PAUSE_MS = [500, 8_000] as const;
const LINK_MS = [500, 5_000] as const;
const DOWN_MS_MAX = 2_000;
const LATENCY_MS = [20, 300] as const;
const DISK_MS = [500, 3_000] as const;
const DISK = 'the disk of a nats-server full';
const CLOCKS_MS = [-60_000, 0, 60_000];

/** Which node, server and links it befalls. */
interface Victims {
  readonly trio: Trio;
  readonly node: ChaosNode;
  readonly server: NatsServer;
  /** From the node to one server, or to all. */
  readonly links: readonly NodeLink[];
  readonly random: () => number;
}

/** Resolves when the fault is over; what was ended may still be starting. */
type Fault = (victims: Victims) => Promise<void>;

const between = (random: () => number, [least, most]: readonly [number, number]) =>
  least + random() * (most - least);

/** Each link is disturbed, and healed later. */
const disturbed =
  (begin: (link: NodeLink, random: () => number) => void): Fault =>
  async ({ links, random }) => {
    for (const link of links) begin(link, random);
    await sleep(between(random, LINK_MS));
    for (const link of links) link.heal();
  };

async function startAgain({ node, random }: Victims): Promise<void> {
  await sleep(random() * DOWN_MS_MAX);
  node.clockMs = CLOCKS_MS[Math.floor(random() * CLOCKS_MS.length)]!;
  // It takes longer than the fault: the name of the dead must prove to be free.
  node.start().catch(() => {});
}

async function restart(server: NatsServer, random: () => number): Promise<void> {
  await server.kill();
  await sleep(random() * DOWN_MS_MAX);
  // Another fault may have befallen it meanwhile, and be over.
  if (!server.isRunning) server.start();
}

export const FAULTS = {
  'a node killed': async victims => {
    await victims.node.kill();
    await startAgain(victims);
  },
  'a node ended': async victims => {
    await victims.node.stop();
    await startAgain(victims);
  },
  'a node stopped for a while': async ({ node, random }) => {
    node.pause();
    await sleep(between(random, PAUSE_MS));
    node.goOn();
  },
  'a nats-server killed': async ({ server, random }) => {
    await restart(server, random);
  },
  'the leader of a stream killed': async ({ trio, server, random }) => {
    const stream = streamOf(DEFAULT_CLUSTER, Math.floor(random() * trio.partitions));
    const leader = (await trio.nats.leaderOf(stream)) ?? server;
    await restart(leader, random);
  },
  'a nats-server stopped for a while': async ({ server, random }) => {
    server.pause();
    await sleep(between(random, PAUSE_MS));
    server.goOn();
  },
  'a link cut': disturbed(link => link.cut()),
  'a link slow': disturbed((link, random) =>
    link.slow(between(random, LATENCY_MS), between(random, LATENCY_MS)),
  ),
  'a link silent': disturbed(link => link.hold(true, true)),
  'a link silent in one direction': disturbed((link, random) => {
    const isToServer = random() < 0.5;
    link.hold(isToServer, !isToServer);
  }),
  'a link half open': disturbed(link => link.halfOpen()),
  [DISK]: async ({ trio, random }) => {
    trio.fillDisk();
    await sleep(between(random, DISK_MS));
    await trio.freeDisk();
  },
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;

/** What will happen in a run, drawn by a seed. */
export interface Planned {
  readonly fault: FaultName;
  /** From the start of the run. */
  readonly afterMs: number;
  readonly seed: number;
}

/** Those that can happen here; TALLY_TEST_FAULTS, some of their names with commas between them, leaves only these. */
export function faultsHere(hasDisk: boolean): FaultName[] {
  const only = process.env.TALLY_TEST_FAULTS?.split(',');
  const names = (Object.keys(FAULTS) as FaultName[]).filter(
    name => (hasDisk || name !== DISK) && (only === undefined || only.includes(name)),
  );
  if (names.length === 0)
    throw new Error(`TALLY_TEST_FAULTS names none of ${Object.keys(FAULTS).join(', ')}`);
  return names;
}

/** One fault or two, that do not befall the same process. */
export function planFaults(random: () => number, names: readonly FaultName[], withinMs: number): Planned[] {
  const count = random() < 0.5 ? 1 : 2;
  return Array.from(
    { length: count },
    (): Planned => ({
      fault: names[Math.floor(random() * names.length)]!,
      afterMs: random() * withinMs,
      seed: random() * 2 ** 32,
    }),
  ).sort((a, b) => a.afterMs - b.afterMs);
}

/** Resolves when all of them are over. */
export async function playFaults(trio: Trio, planned: readonly Planned[]): Promise<void> {
  const { nodes, links, nats } = trio;
  const first = Math.floor(randomFrom(planned[0]!.seed)() * nodes.length);
  await Promise.all(
    planned.map(async ({ fault, afterMs, seed }, index) => {
      const random = randomFrom(seed);
      const node = (first + index) % nodes.length;
      // The server with the small disk is the last one: no other fault befalls it in the same run.
      const others = nats.servers.filter(server => server !== trio.diskOf);
      const servers = planned.some(each => each.fault === DISK) ? others : nats.servers;
      const server = servers[(first + index) % servers.length]!;
      const row = links[node]!;
      const victims: Victims = {
        ...{ trio, node: nodes[node]!, server, random },
        links: random() < 0.5 ? row : [row[Math.floor(random() * row.length)]!],
      };
      await sleep(afterMs);
      await FAULTS[fault](victims);
    }),
  );
}

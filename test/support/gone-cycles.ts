/**
 * A cluster that loses one of its parts, again and again, under load: a node, or the leader of a stream of JetStream. What
 * the clients of the others notice: how long nothing was acknowledged, whether reads went on, and whether anything that
 * was acknowledged is missing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '@nats-io/transport-node';
import { leaderElected } from '../../src/cluster/names.ts';
import { NatsServers } from '../../src/tools/cluster/nats-servers.ts';
import { Client } from '../../src/tools/harness/client.ts';
import { type RunningServer, startServer } from './server.ts';

const NODES = 3;
/** Enough that every partition has some. */
const USERS = 16;
const ANSWER_MS_MAX = 60_000;
/** Before something is taken away. */
const WARM_MS = 1_000;
/** After it, whatever happens. */
const WATCH_MS = 3_000;
const PACE_MS = 10;
/** A longer time without an acknowledgement is a stop. */
const STOP_MS = 400;

export interface GoneFigures {
  rounds: number;
  acknowledged: number;
  reads: number;
  /** Replies other than those wanted, and connections lost, of clients of nodes that were not killed. */
  errors: number;
  /** Users whose balance was not what was acknowledged, on any node. */
  wrongUsers: number;
  /** Of each round: the longest time without an acknowledgement on any connection that is not of a killed node, ms. */
  stops: number[];
  /** Of each round: until the last stream that had lost its leader had a new one, as NATS says, ms; 0: none had. */
  elections: number[];
  /** Connections that stopped, and those that did not. */
  stopped: number;
  unstopped: number;
  /** Of each round, of the worst second: the 99th percentile until an event was answered, ms. */
  worstP99s: number[];
  /** The longest time that a plain read took, of each round, ms. */
  slowestReads: number[];
}

interface Sample {
  atMs: number;
  tookMs: number;
}

/** One connection that has events acknowledged, one after the other. */
class Prober {
  readonly node: number;
  readonly user: string;
  readonly samples: Sample[] = [];
  acknowledged = 0;
  errors = 0;
  /** Of what is under way. */
  sinceMs = 0;
  isOver = false;
  readonly done: Promise<void>;

  constructor(node: number, port: number, user: string, line: string, reply: RegExp) {
    this.node = node;
    this.user = user;
    this.done = this.#probe(port, line, reply);
  }

  async #probe(port: number, line: string, reply: RegExp): Promise<void> {
    try {
      const client = await Client.open(port);
      while (!this.isOver) {
        this.sinceMs = performance.now();
        const answer = await client.ask(line, ANSWER_MS_MAX);
        const nowMs = performance.now();
        if (!reply.test(answer)) this.errors += 1;
        else this.acknowledged += 1;
        this.samples.push({ atMs: nowMs, tookMs: nowMs - this.sinceMs });
        await sleep(PACE_MS);
      }
      client.close();
    } catch {
      this.errors += 1;
    }
  }
}

export async function loseNodes(rounds: number, onRound: (done: number) => void): Promise<GoneFigures> {
  return inRounds(rounds, onRound, async (cluster, round) => {
    const victim = round % NODES;
    await cluster.kill(victim);
    return { victim, revive: () => cluster.revive(victim) };
  });
}

export async function loseLeaders(rounds: number, onRound: (done: number) => void): Promise<GoneFigures> {
  return inRounds(rounds, onRound, async ({ nats }, round) => {
    const leader = await nats.leaderOf(`TALLY_P${round % 2}`);
    if (leader === undefined) throw new Error('the stream has no leader');
    await leader.kill();
    return {
      victim: undefined,
      async revive() {
        leader.start();
        await nats.untilWell();
      },
    };
  });
}

interface Cluster {
  nats: NatsServers;
  nodes: RunningServer[];
  /** When NATS has last said that a stream has a new leader. */
  electedMs: number;
  kill(node: number): Promise<void>;
  revive(node: number): Promise<void>;
}

type Take = (
  cluster: Cluster,
  round: number,
) => Promise<{ victim: number | undefined; revive(): Promise<void> }>;

async function inRounds(rounds: number, onRound: (done: number) => void, take: Take): Promise<GoneFigures> {
  const nats = await NatsServers.start({ count: 3 });
  const nodes: RunningServer[] = [];
  const start = (node: number) =>
    startServer(['--cluster', nats.urls.join(','), '--node', `node-${node}`, '--drain-ms-min', '0']);
  const cluster: Cluster = {
    nats,
    nodes,
    electedMs: 0,
    async kill(node) {
      await nodes[node]!.stop('SIGKILL');
    },
    async revive(node) {
      nodes[node] = await start(node);
    },
  };
  const figures: GoneFigures = {
    ...{ rounds: 0, acknowledged: 0, reads: 0, errors: 0, wrongUsers: 0, stopped: 0, unstopped: 0 },
    ...{ stops: [], elections: [], worstP99s: [], slowestReads: [] },
  };
  const wanted = new Map<string, number>();
  const listener = await connect({ servers: nats.urls, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
  listener.subscribe(leaderElected('*'), {
    callback: () => {
      cluster.electedMs = performance.now();
    },
  });
  try {
    for (let node = 0; node < NODES; node++) nodes.push(await start(node));
    for (let round = 0; round < rounds; round++) {
      await oneRound(cluster, round, take, figures, wanted);
      figures.rounds += 1;
      onRound(figures.rounds);
    }
    return figures;
  } finally {
    await Promise.all(nodes.map(node => node.stop('SIGTERM', 'SIGKILL')));
    await listener.close();
    await nats.stop();
  }
}

async function oneRound(
  cluster: Cluster,
  round: number,
  take: Take,
  figures: GoneFigures,
  wanted: Map<string, number>,
): Promise<void> {
  const event = (user: string) => `{"user":"${user}","action":"buy","amount":1}\n`;
  const read = (user: string) => `{"type":"balance","user":"${user}"}\n`;
  const users = Array.from({ length: USERS }, (_, user) => `user ${user}`);
  const probers = users.map(
    (user, at) => new Prober(at % NODES, cluster.nodes[at % NODES]!.port, user, event(user), /"accepted"/),
  );
  // Of users that nobody changes: a read behind its own client's events would have to wait for those.
  const readers = cluster.nodes.map(
    ({ port }, node) => new Prober(node, port, 'nobody', read('nobody'), /"ok"/),
  );
  await sleep(WARM_MS);
  const takenMs = performance.now();
  const { victim, revive } = await take(cluster, round);
  const living = (prober: Prober) => prober.node !== victim;
  await sleep(WATCH_MS);
  // Until each has been answered since.
  const endMs = performance.now() + ANSWER_MS_MAX;
  const hasAnswer = ({ samples }: Prober) =>
    samples.some(({ atMs, tookMs }) => atMs - tookMs > takenMs + STOP_MS);
  while (probers.filter(living).some(prober => !hasAnswer(prober)) && performance.now() < endMs)
    await sleep(50);
  for (const prober of [...probers, ...readers]) prober.isOver = true;
  await Promise.all([...probers, ...readers].map(({ done }) => done));

  const stops = probers.filter(living).map(prober => longestOf(prober, takenMs));
  figures.stops.push(Math.max(...stops));
  figures.elections.push(Math.max(0, cluster.electedMs - takenMs));
  figures.stopped += stops.filter(ms => ms > STOP_MS).length;
  figures.unstopped += stops.filter(ms => ms <= STOP_MS).length;
  figures.worstP99s.push(worstP99(probers.filter(living), takenMs));
  figures.slowestReads.push(Math.max(...readers.filter(living).map(reader => longestOf(reader, takenMs))));
  figures.errors += [...probers, ...readers].filter(living).reduce((sum, { errors }) => sum + errors, 0);
  figures.reads += readers.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  await revive();
  for (const { user, node, acknowledged } of probers) {
    figures.acknowledged += acknowledged;
    wanted.set(user, (wanted.get(user) ?? 0) + acknowledged);
    // What its node had not acknowledged when it was killed may be there or not.
    if (node === victim) wanted.set(user, await balanceOf(cluster.nodes[0]!.port, user, wanted.get(user)!));
  }
  for (const { port } of cluster.nodes)
    for (const [user, balance] of wanted)
      if ((await balanceOf(port, user)) !== balance) figures.wrongUsers += 1;
}

/** Throws if the balance is not `least`, or one more. */
async function balanceOf(port: number, user: string, least?: number): Promise<number> {
  const client = await Client.open(port);
  const reply = await client.ask(`{"type":"balance","user":"${user}","fresh":true}\n`, ANSWER_MS_MAX);
  client.close();
  const { balance } = JSON.parse(reply) as { balance: number };
  if (least !== undefined && balance !== least && balance !== least + 1)
    throw new Error(`${user} has ${balance}, and ${least} were acknowledged`);
  return balance;
}

function longestOf({ samples }: Prober, fromMs: number): number {
  return Math.max(0, ...samples.filter(({ atMs }) => atMs > fromMs).map(({ tookMs }) => tookMs));
}

function worstP99(probers: readonly Prober[], fromMs: number): number {
  const seconds = new Map<number, number[]>();
  for (const { samples } of probers)
    for (const { atMs, tookMs } of samples)
      if (atMs > fromMs) {
        const second = Math.floor((atMs - fromMs) / 1_000);
        seconds.set(second, [...(seconds.get(second) ?? []), tookMs]);
      }
  return Math.max(...[...seconds.values()].map(p99));
}

function p99(values: number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))]!;
}

/**
 * A cluster on this machine: three servers of NATS, and one node of Tally or three, under the load of the same client in
 * C as every server; beside a client that publishes one message an event with the same library, and beside Redis with a
 * replica: WAIT 1 behind what is sent at once, which is the best that it can do, and behind each event.
 *
 * All of it shares the cores, so the figures say what the machine does in all, and not what one server costs.
 */
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { NatsServers } from '../../src/tools/cluster/nats-servers.ts';
import { Client } from '../../src/tools/harness/client.ts';
import { DEFAULT_WORK } from '../../src/tools/load/plan.ts';
import type { Bench, Measure, Size } from '../bench.ts';
import { measureInC, withProgramInC } from '../peers/client-in-c.ts';
import { askAtRate } from '../peers/latency.ts';
import { perS } from '../peers/open-loop.ts';
import type { PeerProcess } from '../peers/process.ts';
import { REDIS, redisIfInstalled, type Subject, startRedis, TALLY } from '../peers/subjects.ts';
import { CONNECTIONS, MEASURED_MS, onFresh, planOf, untilSound } from '../peers/trial.ts';
import { ratiosTo } from '../ratios.ts';
import { alternate, type Figure, type Trial } from '../rounds.ts';
import { publishEach } from './publish-each.ts';
import { startNode } from './start-node.ts';

const DEPTHS: Record<Size, number[]> = { small: [16], full: [1, 16, 128, 1024] };
/** Each trial starts a cluster of its own, which takes longer than it is measured. */
const ROUNDS: Record<Size, number> = { small: 1, full: 3 };
const RATES: Record<Size, number[]> = { small: [2_000], full: [20_000, 100_000] };
/**
 * Longer than of other benches, for all of them alike: a node compiles what it runs while its first blocks are small. A
 * server in service is always past that.
 */
const WARMUP_MS: Record<Size, number> = { small: 100, full: 3_000 };
const FOLLOW_MS_MAX = 10_000;
/** Beside as many as there are by default. */
const MANY_PARTITIONS = 8;
const PUBLISHED = 'one message an event';
const WAITING = 'redis, WAIT 1 behind what is sent at once';
const WAITING_EACH = 'redis, WAIT 1 behind each';

export const bench: Bench = {
  name: 'cluster',
  about: 'A cluster with three servers of NATS, a message an event, and Redis with a replica',
  run: (size, say) =>
    withProgramInC('once.c', say, async program => {
      if (program === undefined) return [];
      const nats = await NatsServers.start({ count: 3 });
      const connection = await connect({ servers: nats.urls });
      try {
        return await run(program, nats.urls, await jetstreamManager(connection), size, say);
      } finally {
        await connection.close();
        await nats.stop();
      }
    }),
};

async function run(
  program: string,
  urls: readonly string[],
  manager: JetStreamManager,
  size: Size,
  say: (line: string) => void,
): Promise<Measure[]> {
  const nodes = [
    nodesOf(1, urls, manager),
    nodesOf(1, urls, manager, MANY_PARTITIONS),
    nodesOf(3, urls, manager),
  ];
  const redis =
    (await redisIfInstalled(say)).length > 0 ? [withReplica(WAITING), withReplica(WAITING_EACH)] : [];
  const measures: Measure[] = [];
  for (const depth of DEPTHS[size]) {
    say(`depth ${depth}`);
    const trials: Trial[] = [
      ...nodes.map(subject => inC(program, subject, 'event', depth, size, say)),
      {
        subject: PUBLISHED,
        condition: `depth ${depth}`,
        run: () => publishEach(urls, manager, CONNECTIONS * depth, WARMUP_MS[size], MEASURED_MS[size]),
      },
      ...redis.map(subject =>
        inC(program, subject, subject.name === WAITING ? 'wait' : 'wait-each', depth, size, say),
      ),
    ];
    measures.push(...(await alternate(ROUNDS[size], trials, say)));
  }
  for (const ratePerS of RATES[size]) {
    say(perS(ratePerS));
    const trials = nodes.map(
      (subject): Trial => ({
        subject: subject.name,
        condition: perS(ratePerS),
        run: () =>
          untilSound(
            () => askAtRate(subject, { connections: CONNECTIONS, depth: 64, ratePerS }, size, say),
            say,
          ),
      }),
    );
    measures.push(...(await alternate(ROUNDS[size], trials, say)));
  }
  const ours = nodes.map(({ name }) => name);
  return [
    ...measures,
    ...ratiosTo(PUBLISHED, ours, 'events/s', measures),
    ...redis.flatMap(({ name }) => ratiosTo(name, ours, 'events/s', measures)),
  ];
}

function inC(
  program: string,
  subject: Subject,
  kind: string,
  depth: number,
  size: Size,
  say: (line: string) => void,
): Trial {
  const load = { subject: subject.name, mix: DEFAULT_WORK.mix, depth, noun: 'event' as const };
  const once = (): Promise<Figure[]> =>
    onFresh(subject, async ({ port }) => {
      const plan = { ...planOf(port, subject, load, size), warmupMs: WARMUP_MS[size] };
      const { result } = await measureInC(program, plan, subject, () => undefined, { kind });
      return [{ unit: 'events/s', better: 'higher', value: result.ratePerS }];
    });
  return { subject: subject.name, condition: `depth ${depth}`, run: () => untilSound(once, say) };
}

/** A cluster of its own for each trial; the load goes to its first node. Its streams go with it. */
function nodesOf(count: number, urls: readonly string[], manager: JetStreamManager, partitions = 0): Subject {
  let clusters = 0;
  const flags = partitions === 0 ? [] : ['--cluster-partitions', String(partitions)];
  const all = count === 1 ? 'tally, one node' : `tally, ${count} nodes`;
  const name = partitions === 0 ? all : `${all}, ${partitions} partitions`;
  return {
    ...TALLY,
    name,
    async start(): Promise<PeerProcess> {
      clusters += 1;
      const cluster = `bench-${count}-${partitions}-${clusters}`;
      const nodes = await Promise.all(
        Array.from({ length: count }, (_, node) => startNode(name, urls, cluster, `node-${node + 1}`, flags)),
      );
      const [first, ...others] = nodes;
      return {
        ...first!,
        async stop() {
          await Promise.all(others.map(node => sameMoney(first!.port, node.port)));
          const ends = await Promise.all(nodes.map(node => node.stop()));
          for await (const stream of manager.streams.list())
            if (isOf(stream.config.name, cluster)) await manager.streams.delete(stream.config.name);
          return ends.find(end => end !== 0) ?? 0;
        },
      };
    },
  };
}

function isOf(stream: string, cluster: string): boolean {
  return stream
    .replace(/^(KV|OBJ)_/, '')
    .toLowerCase()
    .startsWith(`${cluster}_`);
}

/** All nodes have the same balances: some users are compared, each as of now. */
async function sameMoney(port: number, other: number): Promise<void> {
  const clients = await Promise.all([port, other].map(each => Client.open(each)));
  for (let user = 0; user < 10_000; user += 97) {
    const line = `{"type":"balance","user":"${DEFAULT_WORK.userPrefix}${user}","fresh":true}\n`;
    const [one, another] = await Promise.all(clients.map(client => client.ask(line)));
    if (one !== another) throw new Error(`the nodes differ: user ${user} has ${one}, and ${another}`);
  }
  for (const client of clients) client.close();
}

/** The replica has all that there is. */
async function untilFollowed(port: number): Promise<void> {
  const client = await Client.open(port);
  const endMs = performance.now() + FOLLOW_MS_MAX;
  while (!(await client.ask('WAIT 1 500\r\n')).startsWith(':1'))
    if (performance.now() > endMs) throw new Error('the replica of Redis does not follow');
  client.close();
}

function withReplica(name: string): Subject {
  return {
    ...REDIS,
    name,
    async start() {
      const main = await startRedis(name, { 'repl-diskless-sync-delay': '0' });
      const replica = await startRedis(`${name}, replica`, { replicaof: `127.0.0.1 ${main.port}` });
      await untilFollowed(main.port);
      return {
        ...main,
        async stop() {
          await replica.stop();
          return main.stop();
        },
      };
    },
  };
}

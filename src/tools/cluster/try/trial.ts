/**
 * Three NATS servers and three nodes on this machine, in a temporary folder: started, killed, brought back, and stopped
 * with nothing left of them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError } from '../../../cli/terminal/command.ts';
import { freePort } from '../../harness/server.ts';
import { until } from '../../harness/waiting.ts';
import { isNatsServerHere, NatsServers } from '../nats-servers.ts';
import { Load } from './load.ts';
import { lookAt, type NatsLook } from './nats-look.ts';
import { TrialNode } from './node.ts';

const NODES = 3;
const JOIN_MS_MAX = 60_000;
/** Of what is being killed, for its last files. */
const REMOVALS = { recursive: true, force: true, maxRetries: 5, retryDelay: 100 } as const;

export interface TrialStart {
  /** Nodes have live pages, too. */
  readonly http: boolean;
  /** Is told what is under way. */
  say(what: string): void;
}

export class Trial {
  readonly nats: NatsServers;
  readonly nodes: readonly TrialNode[];
  readonly load: Load;
  readonly folder: string;
  natsLooks: readonly NatsLook[] = [];
  /** What is not as it must be; there must be nothing. */
  readonly wrong: string[] = [];
  #isLooking = false;
  #isStopped = false;

  private constructor(folder: string, nats: NatsServers, nodes: readonly TrialNode[]) {
    this.folder = folder;
    this.nats = nats;
    this.nodes = nodes;
    this.load = new Load(nodes, what => this.wrong.push(what));
  }

  /** Resolves when all nodes have joined. Throws a `ServerError` or `CommandError`, and then nothing is left. */
  static async start({ http, say }: TrialStart): Promise<Trial> {
    const folder = mkdtempSync(join(tmpdir(), 'tally-try-'));
    // However this process ends: with what it has started, its folder goes.
    process.on('exit', () => rmSync(folder, REMOVALS));
    // The files of the NATS servers go there, too.
    process.env.TMPDIR = folder;
    // Where there is none, the start says so, and nothing else is to be said.
    if (isNatsServerHere()) say('starting three NATS servers …');
    const nats = await NatsServers.start();
    const nodes: TrialNode[] = [];
    try {
      for (let number = 1; number <= NODES; number++)
        nodes.push(
          new TrialNode({
            name: `node-${number}`,
            port: await freePort(),
            nats: nats.urls,
            folder: join(folder, `node-${number}`),
            http: http ? await freePort() : undefined,
          }),
        );
      say('starting three nodes …');
      for (const node of nodes) node.start();
      await Promise.all(nodes.map(node => joined(node, () => false)));
    } catch (error) {
      await Promise.all(nodes.map(node => node.kill()));
      await nats.stop();
      throw error;
    }
    const trial = new Trial(folder, nats, nodes);
    await trial.look();
    return trial;
  }

  /** Asks all of them how they are. */
  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const [looks] = await Promise.all([
        Promise.all(this.nats.servers.map(lookAt)),
        ...this.nodes.map(node => node.ask()),
      ]);
      this.natsLooks = looks;
    } finally {
      this.#isLooking = false;
    }
  }

  /** The NATS server that leads most streams. */
  async leader(): Promise<NatsLook> {
    await this.look();
    return this.natsLooks.reduce((most, look) => (look.leads > most.leads ? look : most));
  }

  async killNode(node: TrialNode): Promise<void> {
    this.load.killed();
    await node.kill();
  }

  async killNats(name: string): Promise<void> {
    this.load.killed();
    await this.nats.named(name).kill();
  }

  /** Resolves when it has joined. */
  async reviveNode(node: TrialNode): Promise<void> {
    node.start();
    await joined(node, () => this.#isStopped);
  }

  /** Resolves when it is well. */
  async reviveNats(name: string): Promise<void> {
    const server = this.nats.named(name);
    server.start();
    await until(
      async () => this.#isStopped || !server.isRunning || (await lookAt(server)).state === 'up',
      `${name} is well`,
      JOIN_MS_MAX,
    );
    if (!server.isRunning && !this.#isStopped)
      throw new CommandError(`${name} has ended: ${server.output()}`);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.load.stop();
    await Promise.all(this.nodes.map(node => node.end()));
    await this.nats.stop();
    rmSync(this.folder, REMOVALS);
  }
}

async function joined(node: TrialNode, isOver: () => boolean): Promise<void> {
  await until(() => node.hasJoined || !node.isRunning || isOver(), `${node.name} has joined`, JOIN_MS_MAX);
  if (!node.hasJoined && !isOver()) throw new CommandError(`${node.name} has ended: ${node.complaint}`);
}

/**
 * One or three real `nats-server` with JetStream on this machine: for tests, for benches, and to try a cluster. Their
 * files are in a folder of their own that goes with them, or with this process.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Running, start } from '../harness/process.ts';
import { freePort, ServerError } from '../harness/server.ts';
import { until } from '../harness/waiting.ts';
import { type NatsConfig, natsConfigText } from './nats-config.ts';
import { illnessOf, type JetStreamSeen, jetStreamOf } from './nats-monitor.ts';

const HOST = '127.0.0.1';
/** One that is started again, or that went on, may have to read much, and to vote more than once. */
const START_MS_MAX = 60_000;
const LOOK_MS = 50;
/** A port that was free may be somebody else's by the time that a server listens on it. */
const STARTS_MAX = 3;
const MISSING =
  'nats-server is not installed here; apt-get install nats-server brings it, or take it from https://github.com/nats-io/nats-server/releases';

/** Whether it can be started here. */
export function isNatsServerHere(): boolean {
  return natsServerVersion() !== undefined;
}

/** Of the one that is started here, such as `2.15.1`; undefined if there is none. */
export function natsServerVersion(): string | undefined {
  const { status, stdout } = spawnSync('nats-server', ['--version'], { encoding: 'utf8' });
  return status === 0 ? /\d+\.\d+\.\d+/.exec(stdout)?.[0] : undefined;
}

export interface NatsServersOptions {
  /** 1 or 3. */
  readonly count?: number;
  /** Lines of configuration for all of them. */
  readonly more?: string;
  readonly hasJetStream?: boolean;
  /** For their files, a folder of each server in it: the caller's, who removes it. */
  readonly folder?: string;
  /** False: clients know the servers that they were given, and are not told of others. */
  readonly advertises?: boolean;
}

export class NatsServers {
  readonly servers: readonly NatsServer[];
  readonly #removeFolder: () => void;

  private constructor(folder: string, isOurs: boolean, servers: readonly NatsServer[]) {
    this.servers = servers;
    this.#removeFolder = () => {
      if (isOurs) rmSync(folder, { recursive: true, force: true });
    };
    process.once('exit', this.#removeFolder);
  }

  /** Resolves when they are well: streams with as many replicas as there are servers can be made. */
  static async start({
    count = 3,
    more,
    hasJetStream = true,
    folder: given,
    advertises = true,
  }: NatsServersOptions = {}): Promise<NatsServers> {
    if (!isNatsServerHere()) throw new ServerError(MISSING);
    const folder = given ?? mkdtempSync(join(tmpdir(), 'tally-nats-'));
    for (let attempt = 1; ; attempt += 1) {
      const ports = await freePorts(count * 3);
      const all = ports.slice(0, count);
      const servers = all.map((port, index) => {
        const config: NatsConfig = {
          name: `n${index + 1}`,
          port: ports[count + index]!,
          httpPort: ports[2 * count + index]!,
          folder: join(folder, `n${index + 1}`),
          routes: count === 1 ? undefined : { port, all },
          hasJetStream,
          advertises,
          ...(more !== undefined && { more }),
        };
        return new NatsServer(config, join(folder, `n${index + 1}.conf`));
      });
      const these = new NatsServers(folder, given === undefined, servers);
      try {
        for (const server of servers) server.start();
        await these.untilWell(hasJetStream);
        return these;
      } catch (error) {
        const isTaken = servers.some(server => server.output().includes('address already in use'));
        await these.stop();
        if (!isTaken || attempt === STARTS_MAX) throw error;
      }
    }
  }

  /** For clients. */
  get urls(): string[] {
    return this.servers.map(({ url }) => url);
  }

  /** By its name in what they say of themselves. */
  named(name: string): NatsServer {
    const found = this.servers.find(server => server.name === name);
    if (found === undefined) throw new Error(`there is no nats-server ${name}`);
    return found;
  }

  /** Resolves when all that run are well, and see one another. */
  async untilWell(hasJetStream = true): Promise<void> {
    const running = this.servers.filter(({ isRunning }) => isRunning);
    for (const server of running) await untilWell(server);
    if (!hasJetStream || this.servers.length === 1) return;
    const isWhole = (seen: JetStreamSeen | undefined) => seen?.current === running.length - 1;
    await until(
      async () => isWhole(await this.#seenByMetaLeader(running)) || sleep(LOOK_MS, false),
      'the nats-servers have a leader that sees them all',
      START_MS_MAX,
    );
  }

  /** The server that makes streams and consumers; undefined while there is none. */
  async metaLeader(): Promise<NatsServer | undefined> {
    for (const server of this.servers.filter(({ isRunning }) => isRunning)) {
      const name = (await jetStreamOf(server.httpPort))?.metaLeader;
      if (name !== undefined) return this.named(name);
    }
    return undefined;
  }

  /** The server that leads a stream; undefined while none does. */
  async leaderOf(stream: string): Promise<NatsServer | undefined> {
    for (const server of this.servers.filter(({ isRunning }) => isRunning)) {
      const seen = (await jetStreamOf(server.httpPort))?.streams.find(({ name }) => name === stream);
      if (seen?.leader !== undefined && this.named(seen.leader).isRunning) return this.named(seen.leader);
    }
    return undefined;
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map(server => server.kill()));
    process.off('exit', this.#removeFolder);
    this.#removeFolder();
  }

  async #seenByMetaLeader(running: readonly NatsServer[]): Promise<JetStreamSeen | undefined> {
    for (const server of running) {
      const seen = await jetStreamOf(server.httpPort);
      if (seen?.metaLeader === server.name) return seen;
    }
    return undefined;
  }
}

/** One of them. */
export class NatsServer {
  readonly #config: NatsConfig;
  readonly #file: string;
  #running: Running | undefined;

  constructor(config: NatsConfig, file: string) {
    this.#config = config;
    this.#file = file;
    writeFileSync(file, natsConfigText(config));
  }

  get name(): string {
    return this.#config.name;
  }

  get port(): number {
    return this.#config.port;
  }

  get httpPort(): number {
    return this.#config.httpPort;
  }

  get url(): string {
    return `nats://${HOST}:${this.port}`;
  }

  get pid(): number | undefined {
    return this.#running?.pid;
  }

  get isRunning(): boolean {
    return this.#running !== undefined && !this.#running.hasEnded;
  }

  /** The last that it has printed. */
  output(): string {
    return this.#running?.output() ?? '';
  }

  /** The first time, or again with the files that it has. Does not wait until it is well. */
  start(): void {
    if (this.isRunning) throw new Error(`${this.name} is running`);
    this.#running = start({ name: this.name, program: 'nats-server', args: ['-c', this.#file] });
  }

  signal(name: NodeJS.Signals): void {
    this.#running?.signal(name);
  }

  /** It answers no more, but its connections stay. */
  pause(): void {
    this.signal('SIGSTOP');
  }

  goOn(): void {
    this.signal('SIGCONT');
  }

  /** By SIGKILL; resolves when it has ended. */
  async kill(): Promise<void> {
    await this.#running?.stop();
  }

  /** Cleanly; resolves when it has ended. */
  async end(): Promise<void> {
    this.signal('SIGTERM');
    await this.#running?.ended;
  }
}

async function untilWell(server: NatsServer): Promise<void> {
  const endMs = performance.now() + START_MS_MAX;
  for (;;) {
    if (!server.isRunning) throw new ServerError(`${server.name} ended: ${server.output()}`);
    const illness = await illnessOf(server.httpPort);
    if (illness === undefined) return;
    if (performance.now() > endMs)
      throw new ServerError(
        `nats-server ${server.name} is not well after ${START_MS_MAX / 1_000} s: ${illness}`,
      );
    await sleep(LOOK_MS);
  }
}

async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

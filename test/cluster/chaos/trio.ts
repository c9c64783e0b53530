/** Three nats-servers and three nodes, and a way from each node to each server that can be disturbed. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { illnessOf } from '../../../src/tools/cluster/nats-monitor.ts';
import { type NatsServer, NatsServers } from '../../../src/tools/cluster/nats-servers.ts';
import { ChaosNode } from './chaos-node.ts';
import { NodeLink } from './node-link.ts';

export const NODES = 3;
/** Streams, one of which is drawn for each trio. */
const PARTITIONS = [2, 4, 8];
/** A snapshot every other run or so. */
const SNAPSHOT_BLOCKS = 8_000;
/** Of the one nats-server that has a disk of its own, which can be filled. */
const DISK_MIB = 256;
const BALLAST_BYTES = 2 ** 20;
const BALLAST_BYTES_MIN = 256;
const RECOVERY_MS_MAX = 1_500;
const LOOK_MS = 50;

export class Trio {
  readonly nats: NatsServers;
  readonly nodes: readonly ChaosNode[];
  /** By node and server. */
  readonly links: readonly (readonly NodeLink[])[];
  /** The disk of its own is a file system in memory, which only root may mount; otherwise there is none. */
  readonly diskOf: NatsServer | undefined;
  readonly partitions: number;
  readonly #folder: string;
  readonly #disk: string;

  private constructor(
    folder: string,
    hasDisk: boolean,
    nats: NatsServers,
    links: NodeLink[][],
    program: string,
    partitions: number,
  ) {
    this.#folder = folder;
    this.#disk = diskIn(folder);
    this.nats = nats;
    this.links = links;
    this.partitions = partitions;
    this.diskOf = hasDisk ? nats.servers.at(-1) : undefined;
    const flags = [
      ...['--cluster-partitions', String(partitions)],
      ...['--cluster-snapshot-blocks', String(SNAPSHOT_BLOCKS)],
    ];
    this.nodes = links.map((row, node) => {
      // The others start from what NATS has.
      const data = node === 0 ? ['--data', join(folder, 'data')] : [];
      const servers = row.map(({ url }) => url);
      return new ChaosNode({ name: `node-${node}`, program, servers, flags: [...flags, ...data] });
    });
  }

  /** `program`: of the nodes, compiled. Resolves when all of them serve. */
  static async start(program: string, seed: number): Promise<Trio> {
    const folder = mkdtempSync(join(tmpdir(), 'tally-chaos-'));
    const disk = diskIn(folder);
    mkdirSync(disk);
    const hasDisk = mount(disk);
    const nats = await NatsServers.start({ folder, advertises: false }).catch(error => {
      if (hasDisk) unmount(disk);
      throw error;
    });
    const links = await Promise.all(
      Array.from({ length: NODES }, () =>
        Promise.all(nats.servers.map(({ port }) => NodeLink.open(port, seed))),
      ),
    );
    const partitions = PARTITIONS[seed % PARTITIONS.length]!;
    const trio = new Trio(folder, hasDisk, nats, links, program, partitions);
    try {
      // The first one makes the streams.
      await trio.nodes[0]!.start();
      await Promise.all(trio.nodes.map(node => node.start()));
    } catch (error) {
      await trio.stop();
      throw error;
    }
    return trio;
  }

  /** To the last byte. */
  fillDisk(): void {
    const file = openSync(join(this.#disk, 'ballast'), 'w');
    try {
      for (let bytes = BALLAST_BYTES; bytes >= BALLAST_BYTES_MIN; ) {
        const part = Buffer.alloc(bytes);
        try {
          writeSync(file, part);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
          bytes /= 2;
        }
      }
    } finally {
      closeSync(file);
    }
  }

  /** A nats-server that has given up its JetStream is started again, as somebody would who has made room. */
  async freeDisk(): Promise<void> {
    rmSync(join(this.#disk, 'ballast'), { force: true });
    const server = this.diskOf!;
    const endMs = performance.now() + RECOVERY_MS_MAX;
    while (server.isRunning && performance.now() < endMs) {
      if ((await illnessOf(server.httpPort)) === undefined) return;
      await sleep(LOOK_MS);
    }
    await server.kill();
    server.start();
  }

  /** All faults end, and all that has ended is started again. */
  async heal(): Promise<void> {
    for (const link of this.links.flat()) link.heal();
    for (const server of this.nats.servers) {
      if (!server.isRunning) server.start();
      server.goOn();
    }
    for (const node of this.nodes) node.goOn();
    await this.nats.untilWell();
    await Promise.all(this.nodes.map(async node => node.port ?? (await node.start())));
  }

  /** What nodes did that they should not have done, since this was last asked. */
  complaints(): string[] {
    return this.nodes.flatMap(({ complaints }) => complaints.splice(0));
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map(node => node.retire()));
    await Promise.all(this.links.flat().map(link => link.stop()));
    for (const server of this.nats.servers) server.goOn();
    await this.nats.stop();
    if (this.diskOf !== undefined) unmount(this.#disk);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function diskIn(folder: string): string {
  return join(folder, `n${NODES}`);
}

/** False: it may not be mounted here. */
function mount(folder: string): boolean {
  const args = ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tally-chaos', folder];
  return process.getuid?.() === 0 && spawnSync('mount', args).status === 0;
}

function unmount(folder: string): void {
  const { status, stderr } = spawnSync('umount', ['--lazy', folder]);
  if (status !== 0) throw new Error(`can't unmount ${folder}: ${stderr}`);
}

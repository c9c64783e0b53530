/** The NATS side of a node in a test: what it says, and what a socket thread would do with it. */
import { Link } from '../../src/cluster/link.ts';
import type { LinkStart } from '../../src/cluster/link-options.ts';
import type { FromLink, Stored } from '../../src/cluster/messages.ts';
import { messageOf } from '../../src/cluster/refusal.ts';
import { until } from '../../src/tools/harness/waiting.ts';

type Opened = Extract<FromLink, { is: 'opened' }>;

/** An election of leaders takes less, and so does that of a server that wakes up. */
const STORED_MS_MAX = 60_000;

let clusters = 0;
const all: Linked[] = [];

/** All that tests of this file have started: tests that run at the same time can't say which is whose. */
export async function stopLinks(): Promise<void> {
  await Promise.all(all.map(linked => linked.stop()));
}

/** Of a cluster that no other test has. */
export function newCluster(): string {
  clusters += 1;
  return `test${process.pid}x${clusters}`;
}

/** Without files of its own, and with two partitions: eight take longer to make. */
export function linkStart(servers: readonly string[], more: Partial<LinkStart> = {}): LinkStart {
  return {
    ...{ servers, credentials: {}, node: 'one', cluster: 'tally', replicas: 3, given: [] },
    wanted: { version: 1, partitions: 2, users: 1_000, idsMax: 1_000, idsMs: 60_000 },
    ...{ blockBytesMax: 65_536, snapshotBlocks: 1_000_000, data: '', program: 'test' },
    ...more,
  };
}

export class Linked {
  readonly link: Link;
  readonly start: LinkStart;
  opened: Opened | undefined;
  /** Where it is connected to, as it said last. */
  server = '';
  /** Why it was refused. */
  refused: string | undefined;
  readonly links: Extract<FromLink, { is: 'link' }>[] = [];
  readonly stored: Extract<FromLink, { is: 'stored' }>[] = [];
  /** By partition. */
  readonly blocks: Stored[][] = [];
  /** What was told in a wrong order. */
  readonly mistakes: string[] = [];
  /** False: what comes is kept, and not applied. */
  isApplying = true;
  #stopped: Promise<void> | undefined;
  /** By partition: what was published, in the order of its numbers. No two may be the same. */
  readonly #published: string[][] = [];

  constructor(start: LinkStart) {
    this.start = start;
    this.link = new Link(start, message => this.#hear(message));
    all.push(this);
  }

  /** Opened, or refused. */
  static async open(start: LinkStart): Promise<Linked> {
    const linked = new Linked(start);
    await linked.link.open().catch(error => linked.#hear({ is: 'refused', reason: messageOf(error) }));
    return linked;
  }

  /** Opened and reading, from the start or from what was said. */
  static async begun(start: LinkStart, from?: readonly number[]): Promise<Linked> {
    const linked = await Linked.open(start);
    if (linked.opened === undefined) throw new Error(`not opened: ${linked.refused}`);
    linked.link.hear({ is: 'begin', from: from ?? linked.opened.ends.map(() => 1) });
    return linked;
  }

  /** Gives a block to be stored; which number it has. */
  publish(partition: number, text: string): number {
    this.#published[partition] ??= [];
    const number = this.#published[partition].push(text);
    this.link.hear({ is: 'block', partition, number, bytes: Buffer.from(text) });
    return number;
  }

  /** The same, and resolves when it is stored, with its sequence. */
  async store(partition: number, text: string): Promise<number> {
    const number = this.publish(partition, text);
    const found = () => this.stored.find(each => each.partition === partition && each.number === number);
    await until(
      () => found() !== undefined,
      `block ${number} of partition ${partition} is stored`,
      STORED_MS_MAX,
    );
    return found()!.sequence;
  }

  /** What was read of a partition. */
  texts(partition: number): string[] {
    return (this.blocks[partition] ?? []).map(({ bytes }) => Buffer.from(bytes).toString());
  }

  async untilRead(partition: number, count: number): Promise<void> {
    const read = () => this.blocks[partition]?.length ?? 0;
    await until(() => read() >= count, `${count} blocks of partition ${partition} are read`, 30_000);
  }

  async untilRefused(): Promise<string> {
    await until(() => this.refused !== undefined, 'it is refused', 30_000);
    return this.refused!;
  }

  /** All that came is applied. */
  apply(): void {
    const sequences = this.start.wanted.partitions;
    this.link.hear({
      is: 'applied',
      bytes: 0,
      sequences: Array.from(
        { length: sequences },
        (_, partition) => this.blocks[partition]?.at(-1)?.sequence ?? 0,
      ),
    });
  }

  async stop(): Promise<void> {
    this.#stopped ??= this.link.stop();
    await this.#stopped;
  }

  #hear(message: FromLink): void {
    switch (message.is) {
      case 'opened':
        this.opened = message;
        break;
      case 'refused':
        this.refused = message.reason;
        void this.stop();
        break;
      case 'link':
        this.links.push(message);
        break;
      case 'stored':
        this.stored.push(message);
        break;
      case 'blocks':
        for (const block of message.blocks) this.#read(block);
        if (this.isApplying) this.apply();
        break;
      case 'figures':
        this.server = message.figures.server;
        break;
      default:
    }
  }

  #read(block: Stored): void {
    const { partition, sequence } = block;
    this.blocks[partition] ??= [];
    const last = this.blocks[partition].at(-1)?.sequence ?? 0;
    if (sequence <= last) this.mistakes.push(`${sequence} of partition ${partition} came behind ${last}`);
    this.blocks[partition].push(block);
    const number = (this.#published[partition] ?? []).indexOf(Buffer.from(block.bytes).toString()) + 1;
    if (number === 0) return;
    const stored = this.stored.find(each => each.partition === partition && each.number === number);
    if (stored?.sequence !== sequence)
      this.mistakes.push(
        `block ${number} of partition ${partition} was read at ${sequence}, stored at ${stored?.sequence}`,
      );
  }
}

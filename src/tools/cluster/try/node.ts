/** One of the three nodes: a server as a process of its own, which is killed and started again, and asked how it is. */
import { mkdirSync } from 'node:fs';
import { Client } from '../../harness/client.ts';
import { type Running, start } from '../../harness/process.ts';
import { ROOT } from '../../harness/root.ts';
import { within } from '../../harness/waiting.ts';
import { type NodeLook, readNode, type State } from './look.ts';

const HOST = '127.0.0.1';
const ASK_MS_MAX = 1_000;
/** For its last words. */
const END_MS_MAX = 4_000;
const LOOKS_MAX = 8;
/** As in the first line of the command. */
const NODE_FLAGS = ['--max-semi-space-size=1'];
/** So that a snapshot is seen while one looks. */
const SNAPSHOT_BLOCKS = 3_000;

export interface NodeStart {
  readonly name: string;
  readonly port: number;
  readonly nats: readonly string[];
  /** Its own; it need not be there. */
  readonly folder: string;
  /** Of its live page; undefined: it has none. */
  readonly http: number | undefined;
}

export class TrialNode {
  readonly name: string;
  readonly port: number;
  readonly #start: NodeStart;
  #running: Running | undefined;
  #client: Client | undefined;
  #hasJoined = false;
  /** The last that it has said of itself which is no good news. */
  #complaint = '';
  #look: NodeLook;
  readonly #history: NodeLook[] = [];

  constructor(begin: NodeStart) {
    this.name = begin.name;
    this.port = begin.port;
    this.#start = begin;
    this.#look = this.#blank('down');
  }

  get address(): string {
    return `${HOST}:${this.port}`;
  }

  /** Of its live page, if it has one. */
  get page(): string | undefined {
    return this.#start.http === undefined ? undefined : `http://${HOST}:${this.#start.http}/`;
  }

  get isRunning(): boolean {
    return this.#running !== undefined && !this.#running.hasEnded;
  }

  /** It listens, and has all that was there when it started. */
  get hasJoined(): boolean {
    return this.isRunning && this.#hasJoined;
  }

  /** Clients may come. */
  get isOpen(): boolean {
    return this.hasJoined;
  }

  /** Why it has ended, if it has done so by itself. */
  get complaint(): string {
    return this.#running?.hasEnded ? this.#complaint || this.#running.errors() : this.#complaint;
  }

  get look(): NodeLook {
    return this.#look;
  }

  start(): void {
    const { name, port, nats, folder, http } = this.#start;
    mkdirSync(folder, { recursive: true });
    this.#hasJoined = false;
    this.#complaint = '';
    const flags = {
      cluster: nats.join(','),
      node: name,
      port,
      data: folder,
      'cluster-snapshot-blocks': SNAPSHOT_BLOCKS,
      'log-format': 'json',
      ...(http !== undefined && { http }),
    };
    this.#running = start({
      name,
      program: process.execPath,
      args: [
        ...NODE_FLAGS,
        `${ROOT}dist/src/cli/main.js`,
        'serve',
        ...Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)]),
      ],
      onLine: line => this.#hear(line),
    });
  }

  /** By SIGKILL; resolves when it has ended. */
  async kill(): Promise<void> {
    await this.#running?.stop();
    this.#forget();
    this.#look = this.#blank('down');
  }

  /** Cleanly, if it ends in time. */
  async end(): Promise<void> {
    if (this.#running === undefined) return;
    this.#running.signal('SIGTERM');
    await within(END_MS_MAX, this.#running.ended);
    await this.kill();
  }

  /** Asks how it is. */
  async ask(): Promise<void> {
    if (!this.isRunning) this.#look = this.#blank('down');
    else if (!this.#hasJoined) this.#look = this.#blank('joining');
    else this.#look = await this.#asked();
    this.#history.push(this.#look);
    if (this.#history.length > LOOKS_MAX) this.#history.shift();
  }

  async #asked(): Promise<NodeLook> {
    try {
      this.#client ??= await Client.open(this.port, HOST, ASK_MS_MAX);
      this.#client.send('{"type":"health"}\n{"type":"metrics","detail":true}\n');
      const [health, metrics] = await this.#client.lines(2, ASK_MS_MAX);
      return readNode(health!, metrics!, this.#history) ?? this.#blank('silent');
    } catch {
      this.#forget();
      return this.#blank(this.isRunning ? 'silent' : 'down');
    }
  }

  #forget(): void {
    this.#client?.close();
    this.#client = undefined;
    this.#history.length = 0;
  }

  #hear(line: string): void {
    const said = lineOf(line);
    if (said?.event === 'joined') this.#hasJoined = true;
    if (said?.event === 'draining') this.#hasJoined = false;
    if (said?.level === 'error') this.#complaint = String(said.reason ?? said.event);
  }

  #blank(state: State): NodeLook {
    return { state, atMs: performance.now(), figures: undefined, rates: undefined };
  }
}

function lineOf(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

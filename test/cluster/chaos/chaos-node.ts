/**
 * A node as a process of its own, which is started again when it ends, as the system would. Its clock may differ from
 * that of the others: what it says must not matter.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type StartedServer, startSaying } from '../../../src/tools/harness/server.ts';

const START_MS_MAX = 60_000;
const STARTING_MS_MAX = 180_000;
const AGAIN_MS = 250;
const OUTPUT_LINES = 5;
/** Reasons not to start, or to end, that nothing which passes explains. */
const FATAL = /lost|deleted|can't be applied|was taken|can't go on|is running already/;

/** It was away while the streams were purged of what is in snapshots. */
const BEHIND = /fell behind what the stream keeps/;

const SHIFT = `
const RealDate = Date;
const byMs = Number(process.env.TALLY_TEST_CLOCK_MS);
globalThis.Date = class Date extends RealDate {
  constructor(...given) { super(...(given.length === 0 ? [RealDate.now() + byMs] : given)); }
  static now() { return RealDate.now() + byMs; }
};`;

export interface ChaosNodeOptions {
  readonly name: string;
  /** The compiled program. */
  readonly program: string;
  readonly servers: readonly string[];
  /** More flags. */
  readonly flags: readonly string[];
}

export class ChaosNode {
  readonly name: string;
  readonly #options: ChaosNodeOptions;
  #server: StartedServer | undefined;
  #starting: Promise<void> | undefined;
  #isExpectedToEnd = false;
  #isRetired = false;
  clockMs = 0;
  /** Starts that were refused, as there was no NATS to speak of. */
  refusals = 0;
  fellBehind = 0;
  /** Ends without a reason of ours, and starts that nothing explains. */
  readonly complaints: string[] = [];

  constructor(options: ChaosNodeOptions) {
    this.#options = options;
    this.name = options.name;
  }

  /** Undefined: it does not serve. */
  get port(): number | undefined {
    return this.#server?.hasEnded === false ? this.#server.port : undefined;
  }

  /** Resolves when it serves. It is tried again and again; throws an error if that takes too long. */
  start(): Promise<void> {
    if (this.port !== undefined) return Promise.resolve();
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Cleanly; resolves to what it exited with. */
  async stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  pause(): void {
    this.#server?.signal('SIGSTOP');
  }

  goOn(): void {
    this.#server?.signal('SIGCONT');
  }

  /** For good. */
  async retire(): Promise<void> {
    this.#isRetired = true;
    this.goOn();
    await this.#starting?.catch(() => {});
    await this.#end('SIGKILL');
  }

  async #start(): Promise<void> {
    const endMs = performance.now() + STARTING_MS_MAX;
    while (!this.#isRetired) {
      try {
        this.#server = await this.#startOnce();
        return;
      } catch (error) {
        const reason = (error as Error).message;
        if (FATAL.test(reason)) this.complaints.push(`node ${this.name} did not start: ${reason}`);
        if (performance.now() > endMs) throw error;
        this.refusals += 1;
      }
      await sleep(AGAIN_MS);
    }
  }

  async #startOnce(): Promise<StartedServer> {
    const { name, program, servers, flags } = this.#options;
    const lines: string[] = [];
    const server = await startSaying(
      {
        name: `node ${name}`,
        program: process.execPath,
        args: [
          ...['--max-semi-space-size=1', '--import', `data:text/javascript,${encodeURIComponent(SHIFT)}`],
          ...[program, 'serve', '--port', '0', '--node', name, '--cluster', servers.join(',')],
          ...flags,
        ],
        env: { TALLY_TEST_CLOCK_MS: String(this.clockMs) },
      },
      line => {
        lines.push(line);
        if (lines.length > OUTPUT_LINES) lines.shift();
        const { event, port } = JSON.parse(line) as { event?: string; port?: number };
        return event === 'listening' ? port : undefined;
      },
      START_MS_MAX,
    );
    this.#isExpectedToEnd = false;
    void server.ended.then(({ exitCode, signal }) => {
      if (this.#isExpectedToEnd) return;
      const said = `${lines.join(' ')} ${server.errors()}`;
      if (BEHIND.test(said)) this.fellBehind += 1;
      else this.complaints.push(`node ${name} ended with ${exitCode ?? signal}: ${said}`);
    });
    return server;
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const server = this.#server;
    this.#isExpectedToEnd = true;
    this.#server = undefined;
    if (server === undefined) return null;
    server.signal(signal);
    return (await server.ended).exitCode;
  }
}

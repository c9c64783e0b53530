/**
 * The audit lines of the log: who was let in, who was refused and why. A flood of refusals is counted, not written: so
 * many lines a second, and then one that says how many are missing.
 */
import type { Log } from '../log.ts';

const LINES_A_SECOND = 20;
const SECOND_MS = 1_000;

export class Audit {
  readonly #log: Log;
  #secondEndMs = 0;
  #lines = 0;
  #missing = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** `client` is the number of the connection, which all lines about it share. */
  letIn(client: number, address: string, name: string): void {
    if (this.#mayWrite())
      this.#log.info('authenticated', { client, address, name }, `client ${client} (${address}) is ${name}`);
  }

  refused(client: number, address: string, reason: string): void {
    if (this.#mayWrite())
      this.#log.warn('unauthorized', { client, address, reason }, `client ${client} (${address}): ${reason}`);
  }

  ended(client: number, address: string, name: string): void {
    if (this.#mayWrite())
      this.#log.warn(
        'access_ended',
        { client, address, name },
        `client ${client} (${address}): ${name} holds no longer`,
      );
  }

  #mayWrite(): boolean {
    const nowMs = performance.now();
    if (nowMs >= this.#secondEndMs) {
      this.sayMissing();
      this.#secondEndMs = nowMs + SECOND_MS;
      this.#lines = 0;
    }
    this.#lines += 1;
    if (this.#lines <= LINES_A_SECOND) return true;
    this.#missing += 1;
    return false;
  }

  /** Called now and then: the last second of a flood has lines that are missing, too. */
  sayMissing(): void {
    const lines = this.#missing;
    if (lines === 0) return;
    this.#missing = 0;
    this.#log.warn('audit_dropped', { lines }, `${lines} more such lines were not written`);
  }
}

/**
 * The audit lines of the log: who was let in, who was refused and why, whose access has ended, whose handshake of TLS has
 * failed. A flood of them is counted, not written: so many lines of a kind a second, and then one that says how many are
 * missing.
 */
import type { Log } from '../log.ts';

/** What it writes to: the log, or a way to it from another thread. */
export type AuditLog = Pick<Log, 'info' | 'warn' | 'note'>;

const LINES_A_SECOND = 20;
const SECOND_MS = 1_000;

/** `client` is the number of its connection, which all lines about it share. The address is empty on a Unix socket. */
export interface Audited {
  readonly client: number;
  readonly address: string;
}

type Kind = 'authenticated' | 'unauthorized' | 'access_ended' | 'handshake_failed';

export class Audit {
  readonly #log: AuditLog;
  #secondEndMs = 0;
  /** Of this second, by kind. */
  readonly #lines = { authenticated: 0, unauthorized: 0, access_ended: 0, handshake_failed: 0 };
  #missing = 0;

  constructor(log: AuditLog) {
    this.#log = log;
  }

  letIn(who: Audited, name: string): void {
    if (!this.#mayWrite('authenticated')) return;
    this.#log.info(
      'authenticated',
      { client: who.client, address: who.address, name },
      `${said(who)} is ${name}`,
    );
  }

  /** `name`: of one that is let in, and may not do this. */
  refused(who: Audited, reason: string, name?: string): void {
    if (!this.#mayWrite('unauthorized')) return;
    const { client, address } = who;
    this.#log.warn(
      'unauthorized',
      { client, address, name, reason },
      `${said(who)}${name === undefined ? '' : `, ${name},`} is refused: ${reason}`,
    );
  }

  /** Over HTTP, where each request says anew who asks. */
  refusedOverHttp(address: string, reason: string): void {
    if (!this.#mayWrite('unauthorized')) return;
    this.#log.warn(
      'unauthorized',
      { http: true, address, reason },
      `an HTTP client (${address}) is refused: ${reason}`,
    );
  }

  /** Before it could say anything. */
  handshakeFailed(address: string, reason: string): void {
    if (!this.#mayWrite('handshake_failed')) return;
    this.#log.warn(
      'handshake_failed',
      { address, reason },
      `no handshake of TLS with ${address === '' ? 'a local client' : address}: ${reason}`,
    );
  }

  ended(who: Audited, name: string): void {
    if (!this.#mayWrite('access_ended')) return;
    this.#log.warn(
      'access_ended',
      { client: who.client, address: who.address, name },
      `${said(who)} is ended: ${name} holds no longer`,
    );
  }

  /** An act of administration, as JSON. Each is written, at every level of the log: who acts makes way, not the line. */
  acts(who: Audited, name: string, act: object): void {
    const { client, address } = who;
    this.#log.note(
      'administered',
      { client, address, name, act },
      `${said(who)}, ${name}: ${JSON.stringify(act)}`,
    );
  }

  #mayWrite(kind: Kind): boolean {
    const nowMs = performance.now();
    if (nowMs >= this.#secondEndMs) {
      this.sayMissing();
      this.#secondEndMs = nowMs + SECOND_MS;
      for (const each of Object.keys(this.#lines) as Kind[]) this.#lines[each] = 0;
    }
    this.#lines[kind] += 1;
    if (this.#lines[kind] <= LINES_A_SECOND) return true;
    this.#missing += 1;
    return false;
  }

  /** Called now and then: the last second of a flood has lines that are missing, too. */
  sayMissing(): void {
    const lines = this.#missing;
    if (lines === 0) return;
    this.#missing = 0;
    this.#log.warn(
      'audit_dropped',
      { lines },
      `${lines} lines about who was let in or refused were not written`,
    );
  }
}

function said({ client, address }: Audited): string {
  return `client ${client} (${address === '' ? 'local' : address})`;
}

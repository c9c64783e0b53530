/**
 * Whether blocks can be stored, as far as is known: there is a connection, and no block waits for its acknowledgement for
 * too long. A connection over which nothing is acknowledged for long is given up for one to another server.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import { messageOf } from './refusal.ts';

const LOOK_MS = 250;
const STALL_MS_MAX = 2_000;
/** An election of leaders takes less. */
const ELSEWHERE_MS = 12_000;

export interface HealthStart {
  readonly nats: NatsConnection;
  /** The block that has been under way for the longest time. */
  stalled(): { sinceMs: number; reason: string } | undefined;
  onChange(isUp: boolean, reason: string): void;
  onDisconnect(): void;
  onReconnect(): void;
  /** The client has given up. */
  onClose(reason: string): void;
}

export class LinkHealth {
  readonly #start: HealthStart;
  readonly #timer: NodeJS.Timeout;
  #isConnected = true;
  #lastError = '';
  #told: 'up' | 'disconnected' | 'stalled' = 'up';
  #acknowledgedMs = performance.now();

  constructor(start: HealthStart) {
    this.#start = start;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    void this.#follow();
    void start.nats.closed().then(error => start.onClose(error ? messageOf(error) : this.#lastError));
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** A block was stored. */
  acknowledged(): void {
    this.#acknowledgedMs = performance.now();
    if (this.#told !== 'up') this.#look();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #follow(): Promise<void> {
    for await (const status of this.#start.nats.status())
      switch (status.type) {
        case 'disconnect':
          this.#isConnected = false;
          this.#start.onDisconnect();
          this.#look();
          break;
        case 'reconnect':
          this.#isConnected = true;
          this.#lastError = '';
          this.#acknowledgedMs = performance.now();
          this.#start.onReconnect();
          this.#look();
          break;
        case 'error':
          this.#lastError = messageOf(status.error);
          break;
        default:
      }
  }

  #look(): void {
    const now = performance.now();
    const stalled = this.#start.stalled();
    const isStalled = stalled !== undefined && now - stalled.sinceMs > STALL_MS_MAX;
    const behind = this.#lastError === '' ? '' : ` (${this.#lastError})`;
    if (!this.#isConnected) this.#tell('disconnected', `no connection to NATS${behind}`);
    else if (isStalled) this.#tell('stalled', `${stalled.reason}${behind}`);
    else this.#tell('up', '');
    if (!this.#isConnected || !isStalled) return;
    const quietMs = now - Math.max(this.#acknowledgedMs, stalled.sinceMs);
    if (quietMs < ELSEWHERE_MS) return;
    this.#acknowledgedMs = now;
    void this.#start.nats.reconnect();
  }

  #tell(what: 'up' | 'disconnected' | 'stalled', reason: string): void {
    if (what === this.#told) return;
    this.#told = what;
    this.#start.onChange(what === 'up', reason);
  }
}

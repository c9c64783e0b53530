/**
 * Keeps one thread running: a thread that ends without being told to is restarted. If it dies repeatedly right after
 * its start, the delays grow.
 */
import type { Worker } from 'node:worker_threads';

export interface RestartPolicy {
  /** The delay after the death of a healthy thread. */
  healthyMs: number;
  /** The delay after the death of an unhealthy one: this at first, doubled each time, up to `maxMs`. */
  firstMs: number;
  maxMs: number;
}

/** A thread that has been ready for this long is healthy. */
const HEALTHY_AFTER_MS = 100;

export interface Supervised {
  /** The reason of a death, if nothing else is known. */
  readonly endReason: string;
  /** Creates the thread; throws if the system can't. */
  create(): Worker;
  onDeath(reason: string): void;
  /** The thread has ended, for any reason. */
  onExit?(): void;
}

export class Supervisor {
  thread: Worker | undefined;
  isReady = false;
  /** The reason if it dies now. */
  reason = '';
  deaths = 0;
  readonly #policy: RestartPolicy;
  readonly #supervised: Supervised;
  #readyAtMs = 0;
  #pauseMs: number;
  #restart: NodeJS.Timeout | undefined;
  #isEnding = false;

  constructor(policy: RestartPolicy, supervised: Supervised) {
    this.#policy = policy;
    this.#supervised = supervised;
    this.#pauseMs = policy.firstMs;
  }

  /** Throws if the system can't create a thread. */
  start(): void {
    const thread = this.#supervised.create();
    this.thread = thread;
    this.reason = this.#supervised.endReason;
    thread.on('error', error => {
      this.reason = error instanceof Error ? error.message : String(error);
    });
    thread.on('exit', () => {
      this.thread = undefined;
      this.isReady = false;
      if (!this.#isEnding) this.#died(this.reason);
      this.#supervised.onExit?.();
    });
  }

  /** The thread has reported that it works. */
  ready(): void {
    this.isReady = true;
    this.#readyAtMs = performance.now();
  }

  /** From now on the thread is not restarted. */
  end(): void {
    this.#isEnding = true;
    clearTimeout(this.#restart);
  }

  get isEnding(): boolean {
    return this.#isEnding;
  }

  #died(reason: string): void {
    const wasHealthy = this.#readyAtMs > 0 && performance.now() - this.#readyAtMs > HEALTHY_AFTER_MS;
    this.#readyAtMs = 0;
    if (wasHealthy) this.#pauseMs = this.#policy.firstMs;
    this.deaths += 1;
    this.#supervised.onDeath(reason);
    if (this.#isEnding) return;
    const restart = () => {
      try {
        this.start();
      } catch (error) {
        this.#died(String(error));
      }
    };
    this.#restart = setTimeout(restart, wasHealthy ? this.#policy.healthyMs : this.#pauseMs);
    if (!wasHealthy) this.#pauseMs = Math.min(this.#pauseMs * 2, this.#policy.maxMs);
  }
}

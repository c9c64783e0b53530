/**
 * Keeps one thread running: a thread that ends without being told to is started again. One that dies at once, again
 * and again, is started ever more slowly.
 */
import type { Worker } from 'node:worker_threads';

export interface RestartPolicy {
  /** How long to wait after the death of a thread that was healthy. */
  healthyMs: number;
  /** How long after that of one that was not: this first, then twice as long each time, up to the limit. */
  firstMs: number;
  maxMs: number;
}

/** A thread that has been ready for so long is healthy. */
const HEALTHY_AFTER_MS = 100;

export interface Supervised {
  /** Why it died, if nothing else is known. */
  readonly endReason: string;
  /** Makes the thread; may throw if the system gives none. */
  create(): Worker;
  onDeath(reason: string): void;
  /** It has ended, whyever. */
  onExit?(): void;
}

export class Supervisor {
  thread: Worker | undefined;
  isReady = false;
  /** Why it dies, if it does now. */
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

  /** Throws if the system gives no thread. */
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

  /** The thread is at work. */
  ready(): void {
    this.isReady = true;
    this.#readyAtMs = performance.now();
  }

  /** From now on it is not started again. */
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

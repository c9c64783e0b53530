/**
 * Asks for `health` at fixed times, whether or not the questions before were answered: how long everybody waits for a
 * server's one thread, seen from outside.
 */
import type { Wire } from './wire.ts';

/** Beyond this, a server that has stopped answering is asked no more. Its silence counts all the same. */
const WAITING_MAX = 5_000;

/** An answer: when it came, and what it took. */
export interface Probe {
  atMs: number;
  ms: number;
}

export class Prober {
  readonly #wire: Wire;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;
  #probes: Probe[] = [];
  /** How many of these were looked at by `latest`. */
  #seen = 0;
  /** When the questions left that have no answer. In order, as the answers are. */
  #sentMs: number[] = [];
  /** The last answer. */
  reply = '';
  /** There is a first answer, or none will come. */
  readonly answered: Promise<void>;
  #onAnswer = () => {};

  constructor(wire: Wire, everyMs: number) {
    this.#wire = wire;
    this.#everyMs = everyMs;
    this.answered = new Promise(resolve => {
      this.#onAnswer = resolve;
    });
  }

  start(): void {
    this.stop();
    this.#timer = setInterval(() => void this.#probe(), this.#everyMs);
    void this.#probe();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** The answers since the last time. */
  take(): Probe[] {
    const taken = this.#probes;
    this.#probes = [];
    this.#seen = 0;
    return taken;
  }

  /** The same since the last time, without taking them. */
  latest(): Probe[] {
    const latest = this.#probes.slice(this.#seen);
    this.#seen = this.#probes.length;
    return latest;
  }

  /** How long the oldest question has been waiting, in ms. */
  waitingMs(): number {
    const [oldestMs] = this.#sentMs;
    return oldestMs === undefined ? 0 : performance.now() - oldestMs;
  }

  async #probe(): Promise<void> {
    if (this.#sentMs.length >= WAITING_MAX || !this.#wire.isOpen) return;
    const sentMs = performance.now();
    this.#sentMs.push(sentMs);
    try {
      this.reply = await this.#wire.ask('{"type":"health"}');
      const atMs = performance.now();
      this.#probes.push({ atMs, ms: atMs - sentMs });
      this.#sentMs.shift();
    } catch {
      this.#sentMs = [];
    }
    this.#onAnswer();
  }
}

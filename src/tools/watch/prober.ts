/**
 * Asks for `health` at fixed times, whether or not earlier requests were answered: the time that every client waits
 * for the server's thread, seen from outside.
 */
import { Client } from '../harness/client.ts';
import { type Credentials, NO_CREDENTIALS } from '../harness/credentials.ts';

/** With this many open requests, a silent server gets no more. Its silence still counts. */
const WAITING_MAX = 5_000;

/** No reply of the protocol is longer. */
const REPLY_CHARACTERS_MAX = 1 << 16;

/** A connection over which questions are asked as long as the server answers. It ends when the server ends it. */
export function openForQuestions(
  host: string,
  port: number,
  limitMs: number,
  credentials: Credentials = NO_CREDENTIALS,
): Promise<Client> {
  return Client.reach({ host, port }, credentials, limitMs, {
    isHalfOpen: false,
    dropsUnasked: true,
    lineCharactersMax: REPLY_CHARACTERS_MAX,
  });
}

/** An answer: when it came, and what it took. */
export interface Probe {
  atMs: number;
  ms: number;
}

export class Prober {
  readonly #client: Client;
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

  constructor(client: Client, everyMs: number) {
    this.#client = client;
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
    if (this.#sentMs.length >= WAITING_MAX || this.#client.isEnded) return;
    const sentMs = performance.now();
    this.#sentMs.push(sentMs);
    try {
      this.reply = await this.#client.ask('{"type":"health"}\n', Number.POSITIVE_INFINITY);
      const atMs = performance.now();
      this.#probes.push({ atMs, ms: atMs - sentMs });
      this.#sentMs.shift();
    } catch {
      this.#sentMs = [];
    }
    this.#onAnswer();
  }
}

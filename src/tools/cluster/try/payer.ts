/**
 * A client of the built-in load: sends payments to its node at a steady pace, and sends again what had no answer when the
 * node died, to another one if need be, until it is decided. It goes home when its node is back.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../../harness/client.ts';
import type { Books, Payment } from './books.ts';

const EVERY_MS = 50;
const AT_ONCE = 10;
/** Not decided: beyond these, none is sent. */
const OPEN_MAX = 200;
const CONNECT_MS_MAX = 2_000;
const PAUSE_MS = 100;

/** Payments a second, if nothing holds them up. */
export const PER_SECOND = (1_000 / EVERY_MS) * AT_ONCE;

/** Where a payer may send. */
export interface Counter {
  readonly name: string;
  readonly port: number;
  /** It answers, as far as is known. */
  readonly isOpen: boolean;
}

interface Open {
  readonly payment: Payment;
  readonly madeMs: number;
}

export class Payer {
  readonly #books: Books;
  readonly #counters: readonly Counter[];
  readonly #home: number;
  readonly #onWrong: (what: string) => void;
  /** In the order in which they were sent. */
  readonly #open = new Set<Open>();
  #client: Client | undefined;
  #isStopped = false;
  readonly #over: Promise<void>;
  /** Payments are made. */
  isOn = false;
  /** How often something was sent again. */
  resent = 0;
  /** When the last answer came, by `performance.now()`. */
  answeredMs = performance.now();
  /** Of all payments that were made up to this time, there is an answer. */
  decidedUpToMs = performance.now();
  /** The longest time without an answer while one was due, in ms, since it was set to 0. */
  gapMs = 0;

  /** `onWrong` is told of an answer that no such request may get. */
  constructor(books: Books, counters: readonly Counter[], home: number, onWrong: (what: string) => void) {
    this.#books = books;
    this.#counters = counters;
    this.#home = home;
    this.#onWrong = onWrong;
    this.#over = this.#run();
  }

  get open(): number {
    return this.#open.size;
  }

  stop(): Promise<void> {
    this.#isStopped = true;
    this.#client?.close();
    return this.#over;
  }

  async #run(): Promise<void> {
    for (let tries = 0; !this.#isStopped; ) {
      const counter = this.#counters[(this.#home + tries) % this.#counters.length]!;
      const client = counter.isOpen
        ? await Client.open(counter.port, undefined, CONNECT_MS_MAX).catch(() => undefined)
        : undefined;
      if (client === undefined) {
        tries += 1;
        if (tries % this.#counters.length === 0) await sleep(PAUSE_MS);
        continue;
      }
      this.#client = client;
      await this.#payAt(client, counter);
      client.close();
      // From home on.
      tries = 0;
    }
  }

  async #payAt(client: Client, counter: Counter): Promise<void> {
    const home = this.#counters[this.#home]!;
    for (const open of this.#open) this.#send(client, open, true);
    while (!client.isEnded && !this.#isStopped) {
      const isLeaving = counter !== home && home.isOpen;
      if (isLeaving && this.#open.size === 0) return;
      if (this.isOn && !isLeaving && this.#open.size < OPEN_MAX) this.#make(client);
      await sleep(EVERY_MS);
    }
  }

  #make(client: Client): void {
    const madeMs = performance.now();
    if (this.#open.size === 0) this.answeredMs = madeMs;
    for (let number = 0; number < AT_ONCE; number++) {
      const open = { payment: this.#books.draw(), madeMs };
      this.#open.add(open);
      this.#send(client, open, false);
    }
  }

  #send(client: Client, open: Open, isAgain: boolean): void {
    if (isAgain) this.resent += 1;
    client.ask(open.payment.line, Number.POSITIVE_INFINITY).then(
      reply => this.#answered(client, open, reply),
      // The node is gone: it is sent to the next one.
      () => {},
    );
  }

  #answered(client: Client, open: Open, reply: string): void {
    const nowMs = performance.now();
    this.gapMs = Math.max(this.gapMs, nowMs - this.answeredMs);
    this.answeredMs = nowMs;
    if (REFUSED_FOR_NOW.test(reply)) {
      // Where a node shuts down, it ends the connection, and another one is asked.
      setTimeout(() => {
        if (!client.isEnded && !this.#isStopped) this.#send(client, open, true);
      }, PAUSE_MS);
      return;
    }
    this.#open.delete(open);
    const [oldest] = this.#open;
    this.decidedUpToMs = oldest === undefined ? nowMs : oldest.madeMs;
    const isAccepted = ACCEPTED.test(reply);
    this.#books.decided(open.payment, isAccepted);
    if (!isAccepted && !TOO_LITTLE.test(reply))
      this.#onWrong(`to ${open.payment.line.trimEnd()} a node answered ${reply}`);
  }
}

const ACCEPTED = /^\{"status":"(?:accepted|ok)"/;
const TOO_LITTLE = /"insufficient_balance"/;
const REFUSED_FOR_NOW = /"(?:server_busy|shutting_down)"/;

/**
 * Samples a server, over the wire only: one connection for its metrics, one for the probes of its health. Reconnects
 * when the server has gone, and reports that meanwhile.
 */
import { addressText } from '../../cli/terminal/address.ts';
import { quote } from '../../cli/terminal/quoting.ts';
import { type Client, HungUp, TooLate } from '../harness/client.ts';
import { type Credentials, NO_CREDENTIALS } from '../harness/credentials.ts';
import { NotLetIn, whyNot } from '../harness/dialling.ts';
import { within } from '../harness/waiting.ts';
import {
  isOfProtocol,
  type Look,
  type Metrics,
  probesOf,
  ratesOf,
  readHealth,
  readMetrics,
  type State,
} from './look.ts';
import { openForQuestions, type Probe, Prober } from './prober.ts';

const PROBE_EVERY_MS = 50;
const WINDOW_MS = 10_000;
const CONNECT_MS = 2_000;
/** The least time that metrics and health get before a server counts as silent. */
const SILENT_MS = 1_000;

interface Link {
  metrics: Client;
  health: Client;
  prober: Prober;
}

export class Watcher {
  readonly #host: string;
  readonly #port: number;
  readonly #credentials: Credentials;
  #link: Link | undefined;
  #probes: Probe[] = [];
  #before: { metrics: Metrics; atMs: number } | undefined;
  /** A question that has no answer yet is not asked again. */
  #asked: Promise<string> | undefined;

  constructor(host: string, port: number, credentials: Credentials = NO_CREDENTIALS) {
    this.#host = host;
    this.#port = port;
    this.#credentials = credentials;
  }

  get address(): string {
    return addressText({ host: this.#host, port: this.#port });
  }

  /** Throws only if it is not let in: then it never will be. */
  async look(): Promise<Look> {
    try {
      const link = await this.#linked();
      const [reply] = await Promise.all([this.#metricsReply(link), within(SILENT_MS, link.prober.answered)]);
      if (link.prober.reply === '' && link.health.isEnded) throw new HungUp('no answer to health');
      const atMs = performance.now();
      const slowestMs = this.#takeProbes(link, atMs);
      const metrics = reply === undefined ? undefined : readMetrics(reply);
      const rates =
        metrics && this.#before && ratesOf(this.#before.metrics, metrics, atMs - this.#before.atMs);
      if (metrics !== undefined) this.#before = { metrics, atMs };
      return {
        ...this.#blank(...this.#state(link, reply)),
        metrics,
        rates,
        probes: probesOf(this.#probes.map(({ ms }) => ms)),
        slowestMs,
      };
    } catch (error) {
      const why = this.#whyGone(error);
      this.#forget();
      return this.#blank('gone', why);
    }
  }

  close(): void {
    this.#link?.prober.stop();
    this.#link?.metrics.close();
    this.#link?.health.close();
    this.#link = undefined;
  }

  #blank(state: State, why: string | undefined): Look {
    const { address } = this;
    const figures = { metrics: undefined, rates: undefined, probes: undefined, slowestMs: undefined };
    return { atMs: Date.now(), address, state, why, ...figures };
  }

  async #linked(): Promise<Link> {
    if (this.#link && !this.#link.metrics.isEnded && !this.#link.health.isEnded) return this.#link;
    this.#forget();
    const open = () => openForQuestions(this.#host, this.#port, CONNECT_MS, this.#credentials);
    const metrics = await open();
    const health = await open().catch(error => {
      metrics.close();
      throw error;
    });
    const prober = new Prober(health, PROBE_EVERY_MS);
    this.#link = { metrics, health, prober };
    prober.start();
    return this.#link;
  }

  #forget(): void {
    this.close();
    this.#probes = [];
    this.#before = undefined;
    this.#asked = undefined;
  }

  /** Undefined if there is none within the time; then it is waited for in the next look. */
  async #metricsReply({ metrics }: Link): Promise<string | undefined> {
    this.#asked ??= metrics.ask('{"type":"metrics","detail":true}\n', Number.POSITIVE_INFINITY);
    const reply = await within(SILENT_MS, this.#asked);
    if (reply !== undefined) this.#asked = undefined;
    return reply;
  }

  /** The slowest of the new ones, in ms; a question that waits counts once it waits for longer than others come. */
  #takeProbes({ prober }: Link, nowMs: number): number | undefined {
    const probes = prober.take();
    this.#probes = [...this.#probes, ...probes].filter(({ atMs }) => nowMs - atMs < WINDOW_MS);
    const latest = probes.map(({ ms }) => ms);
    const waitingMs = prober.waitingMs();
    if (waitingMs > PROBE_EVERY_MS) latest.push(waitingMs);
    return latest.length === 0 ? undefined : Math.max(...latest);
  }

  #state({ prober }: Link, reply: string | undefined): [State, string | undefined] {
    const waitingMs = prober.waitingMs();
    const isUnanswered = prober.reply === '';
    if (isUnanswered && reply !== undefined && !isOfProtocol(reply))
      return ['foreign', `asked for metrics, it says ${quote(reply)}`];
    if (waitingMs > SILENT_MS || reply === undefined || isUnanswered)
      return ['silent', `no answer for ${(Math.max(waitingMs, SILENT_MS) / 1_000).toFixed(1)} s`];
    const health = readHealth(prober.reply);
    if (health === undefined) return ['foreign', `asked for health, it says ${quote(prober.reply)}`];
    return [health, whyWithout(reply)];
  }

  /** Of a connection that could not be opened or has ended. Anything else is a mistake of ours. */
  #whyGone(error: unknown): string {
    if (error instanceof NotLetIn) throw error;
    if (error instanceof TooLate) return error.message;
    if (error instanceof HungUp && error.cause === undefined) {
      const hasSpoken = this.#probes.length > 0 || this.#before !== undefined;
      return this.#credentials.tls === undefined && !hasSpoken
        ? 'it hung up; does it speak TLS? (--tls)'
        : 'it hung up';
    }
    const cause = (error instanceof HungUp ? error.cause : error) as NodeJS.ErrnoException;
    const { code, message } = cause;
    if (code === undefined && !(error instanceof HungUp)) throw error;
    if (this.#credentials.tls === undefined || code?.startsWith('EC')) return code ?? message;
    return whyNot(cause, { host: this.#host, port: this.#port });
  }
}

/** Why there are no metrics, if it has some for others. */
function whyWithout(reply: string): string | undefined {
  const reason = /^\{"status":"error","reason":"(\w+)"\}\r?$/.exec(reply)?.[1];
  if (reason === 'unauthorized') return 'it tells its metrics to whom it knows: --token-file FILE';
  return reason === 'forbidden'
    ? 'it does not tell us its metrics: the token has not the right read'
    : undefined;
}

/**
 * One connection of a check: sends packets, compares the replies with the expected ones, byte for byte, and fails
 * with all that is needed to see why.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../../../src/tools/harness/client.ts';
import type { Server } from '../../../src/tools/harness/server.ts';
import { Failed, type Failure } from './failure.ts';

/** The time limit for a reply. A server that has just begun to listen may still start its threads, on busy cores. */
const REPLY_MS_MAX = 5_000;
/** Many times what the replies of a case have: a server that sends more loses the connection. */
const RECEIVED_BYTES_MAX = 1 << 20;
/** Between two packets, so that they stay two. */
const PAUSE_MS = 3;
/** How long to wait for the rest of a reply that is already wrong. */
const REST_MS = 100;

export class Talk {
  readonly #client: Client;
  /** Packets, as bytes in a latin1 string. */
  readonly #sent: string[] = [];
  #linesSent = 0;
  #replies = 0;
  /** Received bytes that were already compared. */
  #taken = 0;

  private constructor(client: Client) {
    this.#client = client;
  }

  static async open({ host, port }: Server): Promise<Talk> {
    try {
      const client = await Client.open(port, host, REPLY_MS_MAX);
      client.socket.on('data', () => {
        if (client.received.length > RECEIVED_BYTES_MAX) client.close();
      });
      return new Talk(client);
    } catch (error) {
      throw new Failed({
        problem: `no connection to ${host}:${port}`,
        sent: [],
        expectedWords: 'a connection',
        receivedWords: (error as Error).message,
        isSilence: true,
      });
    }
  }

  /** Sends one packet. Fails if unexpected bytes have arrived before it. */
  async send(packet: string | Uint8Array, mayAnswerEarly = false): Promise<void> {
    if (this.#sent.length > 0) await sleep(PAUSE_MS);
    if (!mayAnswerEarly) this.#failIfSurplus();
    const bytes = latin1(packet);
    this.#sent.push(bytes);
    this.#linesSent += bytes.split('\n').length - 1;
    this.#client.send(Buffer.from(bytes, 'latin1'));
  }

  finish(): void {
    this.#sent.push('');
    this.#client.end();
  }

  close(): void {
    this.#client.close();
  }

  /** The next reply, which must be this one. */
  async reply(wanted: string | Uint8Array, limitMs = REPLY_MS_MAX): Promise<void> {
    await this.oneOf([wanted], limitMs);
  }

  /** The next reply, which must be one of these. */
  async oneOf<Reply extends string | Uint8Array>(
    wanted: readonly Reply[],
    limitMs = REPLY_MS_MAX,
  ): Promise<Reply> {
    const ends = wanted.map(text => `${latin1(text)}\n`);
    const endMs = performance.now() + limitMs;
    this.#replies += 1;
    for (;;) {
      const rest = this.#rest();
      const found = ends.findIndex(end => rest.startsWith(end));
      if (found >= 0) {
        this.#taken += ends[found]!.length;
        return wanted[found]!;
      }
      const nearest = nearestOf(ends, rest);
      const at = differenceOf(nearest, rest);
      if (at < rest.length) throw await this.#differs(nearest, at);
      if (this.#client.isEnded) throw this.#missing(nearest, 'the server ended the connection');
      if (performance.now() >= endMs) {
        const seconds = Math.round(limitMs / 100) / 10;
        throw this.#missing(nearest, `nothing${rest === '' ? '' : ' more'} came within ${seconds} s`);
      }
      await this.#news(endMs - performance.now());
    }
  }

  /** The next reply, which should be `wanted`, and may be one of the others: then that is what is returned. */
  async preferably(wanted: string, others: readonly string[]): Promise<Failure | undefined> {
    const reply = await this.oneOf([wanted, ...others]);
    if (reply === wanted) return undefined;
    return this.#failed({
      problem: 'the contract says something else',
      expected: `${wanted}\n`,
      received: `${reply}\n`,
      at: differenceOf(wanted, reply),
    }).failure;
  }

  /** The next reply, which must begin like this. Without its newline. */
  async beginning(wanted: string): Promise<string> {
    const endMs = performance.now() + REPLY_MS_MAX;
    this.#replies += 1;
    while (!this.#rest().includes('\n') && !this.#client.isEnded && performance.now() < endMs)
      await this.#news(endMs - performance.now());
    const rest = this.#rest();
    const at = differenceOf(wanted, rest);
    if (at < wanted.length && at < rest.length) throw await this.#differs(wanted, at);
    if (!rest.includes('\n')) throw this.#missing(wanted, 'no whole line came');
    const line = rest.slice(0, rest.indexOf('\n'));
    this.#taken += line.length + 1;
    return line;
  }

  /** The server must end the connection, without further bytes. */
  async ends(limitMs = REPLY_MS_MAX): Promise<void> {
    const endMs = performance.now() + limitMs;
    while (!this.#client.isEnded && performance.now() < endMs) await this.#news(endMs - performance.now());
    this.#failIfSurplus(true);
    if (this.#client.isEnded) return;
    throw this.#failed({
      problem: `the server kept the connection open for ${limitMs / 1_000} s`,
      hint: 'When every reply is written, and no line can come any more, close the connection.',
      expectedWords: 'the end of the connection, once every reply was sent',
      receivedWords: 'no end: the connection stays open',
    });
  }

  /** Nothing comes, and the connection stays open. */
  async quiet(ms: number): Promise<void> {
    const endMs = performance.now() + ms;
    while (!this.#client.isEnded && this.#rest() === '' && performance.now() < endMs)
      await this.#news(endMs - performance.now());
    this.#failIfSurplus(true);
    if (!this.#client.isEnded) return;
    throw this.#failed({
      problem: 'the server ended the connection',
      expectedWords: 'the connection stays open',
      receivedWords: 'its end',
      isSilence: true,
    });
  }

  /** Every reply was read: nothing has arrived after them, and nothing may arrive in this time. */
  async done(ms: number): Promise<void> {
    const endMs = performance.now() + ms;
    while (!this.#client.isEnded && this.#rest() === '' && performance.now() < endMs)
      await this.#news(endMs - performance.now());
    this.#failIfSurplus(true);
  }

  /** Fails for a reason that no single reply shows. */
  fail(problem: string, expectedWords: string, receivedWords: string, hint?: string): never {
    throw this.#failed({ problem, expectedWords, receivedWords, ...(hint !== undefined && { hint }) });
  }

  #rest(): string {
    return this.#client.received.slice(this.#taken);
  }

  /** Once every line sent is answered, nothing more may arrive. */
  #failIfSurplus(isSure = this.#linesSent === this.#replies): void {
    const rest = this.#rest();
    if (!isSure || rest === '') return;
    const [problem, hint] = this.#surplus();
    throw this.#failed({
      problem,
      ...(hint === undefined ? {} : { hint }),
      expectedWords: 'nothing more',
      received: firstLine(rest, 0),
      at: 0,
      notes: moreThan(rest, 0),
    });
  }

  #surplus(): [problem: string, hint?: string] {
    if (this.#linesSent > this.#replies) return ['something came that answers no line'];
    const last = this.#sent.at(-1) ?? '';
    return last !== '' && !last.endsWith('\n')
      ? ['a reply came before its line had ended']
      : ['more came than one reply for each line', 'Every line gets exactly one reply: who answers twice?'];
  }

  async #differs(expected: string, at: number): Promise<Failed> {
    const endMs = performance.now() + REST_MS;
    while (this.#rest().indexOf('\n', at) < 0 && !this.#client.isEnded && performance.now() < endMs)
      await this.#news(endMs - performance.now());
    const rest = this.#rest();
    return this.#failed({
      problem: 'the reply is not what it must be',
      expected,
      received: firstLine(rest, at),
      at,
      notes: moreThan(rest, at),
    });
  }

  #missing(expected: string, why: string): Failed {
    const rest = this.#rest();
    return rest === ''
      ? this.#failed({
          problem: `no reply: ${why}`,
          expected,
          receivedWords: 'nothing',
          isSilence: true,
        })
      : this.#failed({
          problem: `the reply stops: ${why}`,
          expected,
          received: rest,
          at: rest.length,
          isSilence: true,
        });
  }

  #failed(failure: Omit<Failure, 'sent' | 'answers'>): Failed {
    const lines = this.#sent.join('').split('\n');
    if (lines.at(-1) === '') lines.pop();
    const isOneOfSeveral = lines.length > 1 && failure.expected !== undefined;
    const answers = isOneOfSeveral ? lines[this.#replies - 1] : undefined;
    return new Failed({ ...failure, sent: this.#sent, answers });
  }

  /** Waits until something arrives, or the time is over. */
  #news(limitMs: number): Promise<void> {
    const { socket } = this.#client;
    return new Promise(resolve => {
      const done = () => {
        clearTimeout(timer);
        for (const name of ['data', 'end', 'close']) socket.off(name, done);
        resolve();
      };
      const timer = setTimeout(done, Math.max(0, limitMs));
      for (const name of ['data', 'end', 'close']) socket.on(name, done);
    });
  }
}

function latin1(text: string | Uint8Array): string {
  return Buffer.from(text as string).toString('latin1');
}

/** The first byte in which two differ, or the length of the shorter one. */
function differenceOf(a: string, b: string): number {
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at += 1;
  return at;
}

function nearestOf(candidates: readonly string[], rest: string): string {
  return candidates.reduce((best, other) =>
    differenceOf(other, rest) > differenceOf(best, rest) ? other : best,
  );
}

/** The text up to the first newline at or after `at`. */
function firstLine(rest: string, at: number): string {
  const end = rest.indexOf('\n', at);
  return end < 0 ? rest : rest.slice(0, end + 1);
}

function moreThan(rest: string, at: number): string[] {
  const more = rest.length - firstLine(rest, at).length;
  return more === 0 ? [] : [`and ${more} bytes more behind it`];
}

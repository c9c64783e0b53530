/**
 * A load for tests: connections that pipeline events of many users, and know what became of each.
 *
 * Each connection has users of its own, so what it was told of them must add up exactly: what the answers
 * accepted is what the balances are, and the balance in an answer to an event with `wait`, or to a balance
 * request, is what the model of that connection says. The server may end at any moment: what was answered by
 * then is known, the rest is `unknown`.
 */
import { connect, type Socket } from 'node:net';
import { within } from '../../src/tools/harness/waiting.ts';
import { randomFrom } from '../../src/tools/load/random.ts';

export interface LoadOptions {
  port: number;
  seed: number;
  connections: number;
  /** Users of each connection. */
  users: number;
  /** Events of each connection that may be unanswered at a time. */
  depth: number;
  /** Of 100 requests, how many are events with `wait`, and how many are balance requests. */
  waitPercent?: number;
  balancePercent?: number;
}

export interface Tally {
  /** Events answered `accepted`, or `ok` with the balance. */
  accepted: number;
  serverBusy: number;
  shuttingDown: number;
  /** Any other answer to an event. */
  other: number;
  /** Events that were sent and got no answer before the connection ended. */
  unknown: number;
  /** Answers whose balance is not what the model says: `user: expected, got`. */
  wrong: string[];
}

/** A seed for a test that is to differ from run to run; TALLY_TEST_SEED repeats one. */
export function pickSeed(): number {
  const given = process.env.TALLY_TEST_SEED;
  return given === undefined ? (Math.random() * 2 ** 32) >>> 0 : Number(given);
}

const OK_HEAD = '{"status":"ok","balance":';
const AMOUNT_MAX = 1_000;

interface Sent {
  user: number;
  /** Signed; 0 for a balance request. */
  amount: number;
}

export class Load {
  readonly #feeds: Feed[];

  private constructor(feeds: Feed[]) {
    this.#feeds = feeds;
  }

  /** Connects, and sends from then on. */
  static async start(options: LoadOptions): Promise<Load> {
    const opened = Array.from({ length: options.connections }, (_, index) => Feed.open(options, index));
    return new Load(await Promise.all(opened));
  }

  /** Sends nothing more; resolves when all is answered or the server hung up. Fails after the deadline. */
  async stop(deadlineMs = 20_000): Promise<Tally> {
    for (const feed of this.#feeds) feed.stop();
    return this.ended(deadlineMs);
  }

  /** Resolves when every connection has ended, by `stop` or by the server. */
  async ended(deadlineMs = 20_000): Promise<Tally> {
    if ((await within(deadlineMs, Promise.all(this.#feeds.map(feed => feed.ended)))) === undefined) {
      const pending = this.#feeds.map(feed => feed.pending).join(', ');
      throw new Error(`after ${deadlineMs} ms these answers are missing, a connection each: ${pending}`);
    }
    return this.tally();
  }

  /** What is known so far. */
  tally(): Tally {
    const sum: Tally = { accepted: 0, serverBusy: 0, shuttingDown: 0, other: 0, unknown: 0, wrong: [] };
    for (const { tally, pending } of this.#feeds) {
      sum.accepted += tally.accepted;
      sum.serverBusy += tally.serverBusy;
      sum.shuttingDown += tally.shuttingDown;
      sum.other += tally.other;
      sum.unknown += pending;
      sum.wrong.push(...tally.wrong);
    }
    return sum;
  }

  /** Of each user, the sum of the signed amounts that were answered as accepted. */
  accepted(): Map<string, number> {
    const sums = new Map<string, number>();
    for (const feed of this.#feeds) {
      feed.sums.forEach((sum, user) => {
        sums.set(feed.nameOf(user), sum);
      });
    }
    return sums;
  }
}

class Feed {
  readonly tally: Tally = { accepted: 0, serverBusy: 0, shuttingDown: 0, other: 0, unknown: 0, wrong: [] };
  readonly sums: number[];
  readonly ended: Promise<void>;
  readonly #options: LoadOptions;
  readonly #index: number;
  readonly #random: () => number;
  readonly #socket: Socket;
  /** Requests without an answer yet, oldest first, from `#answered` on. */
  #sent: Sent[] = [];
  #answered = 0;
  #partial = '';
  #isStopped = false;

  private constructor(options: LoadOptions, index: number, socket: Socket) {
    this.#options = options;
    this.#index = index;
    this.#random = randomFrom(options.seed + index);
    this.#socket = socket;
    this.sums = new Array<number>(options.users).fill(0);
    this.ended = new Promise(resolve => socket.on('close', () => resolve()));
    socket.setEncoding('latin1');
    socket.on('data', text => this.#receive(text as unknown as string));
    socket.on('error', () => {});
    this.#fill();
  }

  static open(options: LoadOptions, index: number): Promise<Feed> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port: options.port, host: '127.0.0.1', noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new Feed(options, index, socket));
      });
    });
  }

  /** Events that have no answer yet. */
  get pending(): number {
    let events = 0;
    for (let at = this.#answered; at < this.#sent.length; at++) if (this.#sent[at]!.amount !== 0) events += 1;
    return events;
  }

  nameOf(user: number): string {
    return `c${this.#index}-u${user}`;
  }

  stop(): void {
    this.#isStopped = true;
    this.#endWhenAnswered();
  }

  /** Sends as many requests as the depth leaves room for, in one write. */
  #fill(): void {
    const { users, depth, waitPercent = 0, balancePercent = 0 } = this.#options;
    if (this.#isStopped || !this.#socket.writable) return;
    let lines = '';
    while (this.#sent.length - this.#answered < depth) {
      const user = Math.floor(this.#random() * users);
      const kind = this.#random() * 100;
      if (kind < balancePercent) {
        this.#sent.push({ user, amount: 0 });
        lines += `{"type":"balance","user":"${this.nameOf(user)}"}\n`;
        continue;
      }
      const amount = 1 + Math.floor(this.#random() * AMOUNT_MAX);
      const isBuy = this.#random() < 0.5;
      const wait = kind < balancePercent + waitPercent ? ',"wait":true' : '';
      this.#sent.push({ user, amount: isBuy ? amount : -amount });
      lines += `{"user":"${this.nameOf(user)}","action":"${isBuy ? 'buy' : 'sell'}","amount":${amount}${wait}}\n`;
    }
    if (lines !== '') this.#socket.write(lines);
  }

  #receive(text: string): void {
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop()!;
    for (const line of lines) this.#take(line);
    if (this.#answered > 1_024) this.#sent = this.#sent.slice(this.#answered);
    if (this.#answered > 1_024) this.#answered = 0;
    this.#fill();
    this.#endWhenAnswered();
  }

  #take(line: string): void {
    const sent = this.#sent[this.#answered];
    if (sent === undefined) {
      this.tally.wrong.push(`a reply too many: ${line}`);
      return;
    }
    this.#answered += 1;
    const { user, amount } = sent;
    if (line.startsWith(OK_HEAD)) {
      const expected = this.sums[user]! + amount;
      const balance = Number(line.slice(OK_HEAD.length, -1));
      if (balance !== expected) this.tally.wrong.push(`${this.nameOf(user)}: ${expected}, got ${balance}`);
    } else if (amount === 0) {
      this.tally.wrong.push(`${this.nameOf(user)}: a balance, got ${line}`);
      return;
    } else if (line !== '{"status":"accepted"}') {
      if (line.endsWith('"server_busy"}')) this.tally.serverBusy += 1;
      else if (line.endsWith('"shutting_down"}')) this.tally.shuttingDown += 1;
      else this.tally.other += 1;
      return;
    }
    if (amount === 0) return;
    this.sums[user] = this.sums[user]! + amount;
    this.tally.accepted += 1;
  }

  #endWhenAnswered(): void {
    if (this.#isStopped && this.#answered === this.#sent.length) this.#socket.end();
  }
}

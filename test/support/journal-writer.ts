/**
 * A client that keeps the books: the only writer of its users, it knows of each event whether it was answered, and so
 * which balances are possible when the server has gone.
 */
import { connect, type Socket } from 'node:net';

export interface User {
  readonly name: string;
  /** After all that was answered. */
  balance: number;
  /** Signed amounts of the events that were sent and not answered, oldest first; any two sums of some differ. */
  open: number[];
  /** The server knows it for sure. */
  isKnown: boolean;
}

interface Sent {
  user: User;
  /** 0: a request for the balance. */
  amount: number;
}

export interface WriterOptions {
  port: number;
  users: User[];
  /** For new users, each with a name of its own. */
  newName: () => string;
  random: () => number;
  /** Lines that may be unanswered at a time. */
  depth: number;
}

const OK_HEAD = '{"status":"ok","balance":';
const ACCEPTED = '{"status":"accepted"}';
const REFUSED = /^\{"status":"rejected","reason":"(server_busy|shutting_down|disk_full)"\}$/;
const NEW_SHARE = 0.01;
const READ_SHARE = 0.05;
const WAIT_SHARE = 0.15;
const SELL_SHARE = 0.4;
/** An amount that does not fit into a slot of the ring. */
const WIDE_SHARE = 0.3;
/** So few that what is in can be told from the balance: of 2^12 sums, no two are the same. */
const OPEN_MAX = 12;

export class BookKeeper {
  readonly users: User[];
  /** Replies that can't be: nothing may be in here. */
  readonly wrong: string[] = [];
  readonly refused: Record<string, number> = {};
  accepted = 0;
  readonly ended: Promise<void>;
  readonly #options: WriterOptions;
  readonly #socket: Socket;
  #sent: Sent[] = [];
  #answered = 0;
  #partial = '';
  #isStopped = false;

  private constructor(options: WriterOptions, socket: Socket) {
    this.#options = options;
    this.#socket = socket;
    this.users = options.users;
    this.ended = new Promise(resolve => socket.on('close', () => resolve()));
    socket.setEncoding('latin1').on('data', (text: string) => this.#receive(text));
    socket.on('error', () => {});
    this.#fill();
  }

  /** Connects, and sends from then on. */
  static open(options: WriterOptions): Promise<BookKeeper> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port: options.port, host: '127.0.0.1', noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new BookKeeper(options, socket));
      });
    });
  }

  /** Lines without an answer. */
  get pending(): number {
    return this.#sent.length - this.#answered;
  }

  /** Sends nothing more, half closes, and resolves when the other side has ended. */
  stop(): Promise<void> {
    this.#isStopped = true;
    this.#socket.end();
    return this.ended;
  }

  #fill(): void {
    const { depth, random } = this.#options;
    if (this.#isStopped || !this.#socket.writable) return;
    let lines = '';
    while (this.pending < depth) {
      const user = this.#pickUser();
      const drawn = random();
      if (drawn < READ_SHARE || user.open.length === OPEN_MAX) {
        this.#sent.push({ user, amount: 0 });
        lines += `{"type":"balance","user":"${user.name}"}\n`;
        continue;
      }
      const range = random() < WIDE_SHARE ? 2 ** 45 : 2 ** 31 - 2;
      const amount = 1 + Math.floor(random() * range);
      const isSale = random() < SELL_SHARE;
      const wait = drawn < READ_SHARE + WAIT_SHARE ? ',"wait":true' : '';
      const signed = isSale ? -amount : amount;
      user.open.push(signed);
      this.#sent.push({ user, amount: signed });
      lines += `{"user":"${user.name}","action":"${isSale ? 'sell' : 'buy'}","amount":${amount}${wait}}\n`;
    }
    if (lines !== '') this.#socket.write(lines);
  }

  #pickUser(): User {
    const { random, newName } = this.#options;
    if (this.users.length > 0 && random() >= NEW_SHARE)
      return this.users[Math.floor(random() * this.users.length)]!;
    const user: User = { name: newName(), balance: 0, open: [], isKnown: false };
    this.users.push(user);
    return user;
  }

  #receive(text: string): void {
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop()!;
    for (const line of lines) this.#take(line);
    if (this.#answered > 1_024) {
      this.#sent = this.#sent.slice(this.#answered);
      this.#answered = 0;
    }
    this.#fill();
  }

  #take(line: string): void {
    const sent = this.#sent[this.#answered];
    if (sent === undefined) {
      this.wrong.push(`a reply too many: ${line}`);
      return;
    }
    this.#answered += 1;
    const { user, amount } = sent;
    if (amount !== 0) user.open.shift();
    const refusal = REFUSED.exec(line)?.[1];
    if (line.startsWith(OK_HEAD)) {
      const balance = Number(line.slice(OK_HEAD.length, -1));
      if (balance !== user.balance + amount)
        this.wrong.push(`${user.name}: ${user.balance + amount}, got ${balance}`);
    } else if (amount === 0 || (line !== ACCEPTED && refusal === undefined)) {
      this.wrong.push(`${user.name}, ${amount}: ${line}`);
      return;
    } else if (refusal !== undefined) {
      this.refused[refusal] = (this.refused[refusal] ?? 0) + 1;
      return;
    }
    if (amount === 0) return;
    user.balance += amount;
    user.isKnown = true;
    this.accepted += 1;
  }
}

export interface Found {
  /** Events that were not answered, and are in. */
  unanswered: number;
  /** They are not the first ones that were sent: some were refused, and the server ended before it could say so. */
  hasHole: boolean;
}

/** Which of a user's open events are in, by its balance; undefined if no choice of them gives it. Books them. */
export function settle(user: User, balance: number): Found | undefined {
  const { open } = user;
  const wanted = balance - user.balance;
  let found: Found | undefined;
  let sum = 0;
  for (let first = 0; first <= open.length; first++) {
    if (sum === wanted) found = { unanswered: first, hasHole: false };
    if (found !== undefined) break;
    sum += open[first] ?? 0;
  }
  for (let choice = 0; found === undefined && choice < 2 ** open.length; choice++) {
    const chosen = open.filter((_, at) => (choice >> at) & 1);
    if (chosen.reduce((all, each) => all + each, 0) === wanted)
      found = { unanswered: chosen.length, hasHole: true };
  }
  if (found === undefined) return undefined;
  if (found.unanswered > 0) user.isKnown = true;
  user.balance = balance;
  user.open = [];
  return found;
}

/**
 * One thread of the judging bench: one way, one kind of line. First every verdict is compared with what the line is
 * known to mean; then the lines are judged over and over, and the balances must be as many times what one pass makes.
 */
import { balanceSlotsFor, Directory, NOBODY, USER_BYTES_MAX } from '../../src/engine/user-table.ts';
import { judgeUsual } from '../../src/protocol/fast-parser.ts';
import { JsonJudge } from '../../src/protocol/json-parser.ts';
import { DECODED_AT, Desk, hashName, type Judgement, Kind } from '../../src/protocol/request.ts';
import { type Dress, eventsOf, type LineEvent, lineOf, nameOf } from './lines.ts';
import { answerWith, clockNs } from './thread.ts';

export type Way = 'server' | 'general' | 'parse';

export interface JudgingWork {
  way: Way;
  dress: Dress;
  users: number;
  /** How long to measure, at least. */
  measureMs: number;
}

export interface JudgingAnswer {
  nsPerLine: number;
}

/** A way to judge all lines on the desk once. */
interface Subject {
  /** Adds each event to its user's balance. Returns how many lines were none. */
  pass(): number;
  balanceOf(name: string): number | undefined;
}

const NEWLINE = 0x0a;
/** What one read of a socket brings at most. */
const CHUNK_BYTES_MAX = 65_536;
/** Passes before the measurement, the first of them checked: enough for V8 to settle. */
const WARM_UP_PASSES = 12;

function run({ way, dress, users, measureMs }: JudgingWork): JudgingAnswer {
  const events = eventsOf(users);
  const text = events.map(event => `${lineOf(event, dress)}\n`).join('');
  const desk = new Desk(Buffer.byteLength(text));
  const end = desk.start + desk.bytes.write(text, desk.start);
  // Ends every search, as on the server's desk.
  desk.bytes[end] = NEWLINE;
  const subject = subjectOf(way, desk, end, users);

  let passes = 0;
  const pass = () => {
    passes += 1;
    const wrong = subject.pass();
    if (wrong > 0) throw new Error(`${way} took ${wrong} of ${users} lines (${dress}) for no event`);
  };
  pass();
  check(subject, events, passes, `${way}, ${dress}`);
  while (passes < WARM_UP_PASSES) pass();

  const startNs = clockNs();
  const before = passes;
  let endNs = startNs;
  while (endNs - startNs < measureMs * 1e6) {
    pass();
    endNs = clockNs();
  }
  check(subject, events, passes, `${way}, ${dress}`);
  return { nsPerLine: (endNs - startNs) / ((passes - before) * users) };
}

/** Every user has one line, so after one pass this compares every verdict. */
function check(subject: Subject, events: LineEvent[], passes: number, where: string): void {
  for (const { user, amount } of events) {
    const balance = subject.balanceOf(nameOf(user));
    if (balance !== amount * passes)
      throw new Error(`${where}: the balance of ${nameOf(user)} is ${balance}, not ${amount * passes}`);
  }
}

function subjectOf(way: Way, desk: Desk, end: number, users: number): Subject {
  switch (way) {
    case 'server':
      return new Judges(desk, end, users, true);
    case 'general':
      return new Judges(desk, end, users, false);
    case 'parse':
      return new Parse(desk, end, users);
  }
}

/** As a connection does: the usual judge, and what it leaves goes to the general one. */
class Judges implements Subject {
  readonly #desk: Desk;
  readonly #end: number;
  readonly #hasUsual: boolean;
  readonly #judge: JsonJudge;
  readonly #directory: Directory;
  readonly #balances: Float64Array;
  readonly #judgement: Judgement = { nameAt: 0, nameBytes: 0, hash: 0, amount: 0, isWaiting: false };

  constructor(desk: Desk, end: number, users: number, hasUsual: boolean) {
    this.#desk = desk;
    this.#end = end;
    this.#hasUsual = hasUsual;
    this.#judge = new JsonJudge(desk);
    this.#directory = new Directory(desk.view, users, 2);
    this.#balances = new Float64Array(balanceSlotsFor(users));
  }

  pass(): number {
    const judgement = this.#judgement;
    let wrong = 0;
    for (let at = this.#desk.start; at < this.#end; ) {
      let next = this.#hasUsual ? judgeUsual(this.#desk, at, this.#end, judgement) : 0;
      let kind: Kind = Kind.event;
      if (next === 0) {
        const lineEnd = this.#desk.bytes.indexOf(NEWLINE, at);
        kind = this.#judge.judge(at, lineEnd, judgement);
        next = lineEnd + 1;
      }
      if (kind === Kind.event && !judgement.isWaiting) this.#add(judgement);
      else wrong += 1;
      at = next;
    }
    return wrong;
  }

  #add({ nameAt, nameBytes, hash, amount }: Judgement): void {
    let user = this.#directory.find(nameAt, nameBytes, hash);
    if (user === NOBODY) user = this.#directory.add(nameAt, nameBytes, hash);
    this.#balances[user]! += amount;
  }

  balanceOf(name: string): number | undefined {
    // Names are looked up on the desk; in front of the lines there is room for one.
    const bytes = this.#desk.bytes.write(name, DECODED_AT);
    const hash = hashName(this.#desk.view, DECODED_AT, bytes);
    return this.#balances[this.#directory.find(DECODED_AT, bytes, hash)];
  }
}

/** As one would write it without judges. It can't see a field that comes twice, and takes broken UTF-8. */
class Parse implements Subject {
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #end: number;
  readonly #users = new Map<string, number>();
  readonly #balances: Float64Array;

  constructor(desk: Desk, end: number, users: number) {
    this.#bytes = desk.bytes;
    this.#start = desk.start;
    this.#end = end;
    this.#balances = new Float64Array(users);
  }

  pass(): number {
    let wrong = 0;
    for (let at = this.#start; at < this.#end; ) {
      // Decoding and cutting many lines at once is much cheaper than line by line.
      const chunkEnd = this.#bytes.lastIndexOf(NEWLINE, Math.min(at + CHUNK_BYTES_MAX, this.#end) - 1);
      for (const line of this.#bytes.toString('utf8', at, chunkEnd).split('\n'))
        if (!this.#take(line)) wrong += 1;
      at = chunkEnd + 1;
    }
    return wrong;
  }

  #take(line: string): boolean {
    let value: Record<string, unknown> | null;
    try {
      value = JSON.parse(line);
    } catch {
      return false;
    }
    if (typeof value !== 'object' || value === null) return false;
    const { user, action, amount, wait } = value;
    if (typeof user !== 'string' || user === '') return false;
    // No character is more than 3 bytes for each of its units.
    if (user.length * 3 > USER_BYTES_MAX && Buffer.byteLength(user) > USER_BYTES_MAX) return false;
    if (action !== 'buy' && action !== 'sell') return false;
    if (typeof amount !== 'number' || !Number.isSafeInteger(amount) || amount < 1) return false;
    if (wait !== undefined && typeof wait !== 'boolean') return false;
    let index = this.#users.get(user);
    if (index === undefined) {
      index = this.#users.size;
      this.#users.set(user, index);
    }
    this.#balances[index]! += action === 'buy' ? amount : -amount;
    return true;
  }

  balanceOf(name: string): number | undefined {
    return this.#balances[this.#users.get(name) ?? -1];
  }
}

await answerWith(run);

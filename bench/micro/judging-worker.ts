/**
 * One thread of the judging bench: one parser, one kind of line. First every result is compared with the known
 * meaning of the line; then the lines are parsed repeatedly, and the balances must be that multiple of one pass.
 */
import { balanceSlotsFor } from '../../src/engine/user-indices.ts';
import { NOBODY, UserTable } from '../../src/engine/user-table.ts';
import { createFastParser, type FastParse } from '../../src/protocol/fast-parser.ts';
import { drawHashSeed, hashName } from '../../src/protocol/hash.ts';
import { JsonParser } from '../../src/protocol/json-parser.ts';
import { USER_BYTES_MAX } from '../../src/protocol/limits.ts';
import { DecodedAt, ReadBuffer } from '../../src/protocol/read-buffer.ts';
import { emptyRequest, Kind, type ParsedRequest } from '../../src/protocol/request.ts';
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

/** A way to judge all lines on the buffer once. */
interface Subject {
  /** Adds each event to its user's balance. Returns the number of lines that were no events. */
  pass(): number;
  balanceOf(name: string): number | undefined;
}

const SEED = drawHashSeed();
const NEWLINE = 0x0a;
/** What one read of a socket brings at most. */
const CHUNK_BYTES_MAX = 65_536;
/** Passes before the measurement, the first of them checked: enough for V8 to settle. */
const WARM_UP_PASSES = 12;

function run({ way, dress, users, measureMs }: JudgingWork): JudgingAnswer {
  const events = eventsOf(users);
  const text = events.map(event => `${lineOf(event, dress)}\n`).join('');
  const buffer = new ReadBuffer(Buffer.byteLength(text));
  const end = buffer.start + buffer.bytes.write(text, buffer.start);
  // A sentinel that ends every search, as in the server's buffer.
  buffer.bytes[end] = NEWLINE;
  const subject = subjectOf(way, buffer, end, users);

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

function subjectOf(way: Way, buffer: ReadBuffer, end: number, users: number): Subject {
  switch (way) {
    case 'server':
      return new Parsers(buffer, end, users, true);
    case 'general':
      return new Parsers(buffer, end, users, false);
    case 'parse':
      return new Parse(buffer, end, users);
  }
}

/** As a session does: the fast parser first, and the JSON parser for all other lines. */
class Parsers implements Subject {
  readonly #buffer: ReadBuffer;
  readonly #end: number;
  readonly #fast: FastParse | undefined;
  readonly #json: JsonParser;
  readonly #users: UserTable;
  readonly #balances: Float64Array;
  readonly #request = emptyRequest();

  constructor(buffer: ReadBuffer, end: number, users: number, hasFast: boolean) {
    this.#buffer = buffer;
    this.#end = end;
    this.#fast = hasFast ? createFastParser(buffer, SEED) : undefined;
    this.#json = new JsonParser(buffer, SEED);
    this.#users = new UserTable(buffer.view, users, 2);
    this.#balances = new Float64Array(balanceSlotsFor(users));
  }

  pass(): number {
    const request = this.#request;
    let wrong = 0;
    for (let at = this.#buffer.start; at < this.#end; ) {
      let next = this.#fast?.(at, this.#end, request) ?? 0;
      let kind: Kind = Kind.event;
      if (next === 0) {
        const lineEnd = this.#buffer.bytes.indexOf(NEWLINE, at);
        kind = this.#json.parse(at, lineEnd, request);
        next = lineEnd + 1;
      }
      if (kind === Kind.event && request.wants === 0) this.#add(request);
      else wrong += 1;
      at = next;
    }
    return wrong;
  }

  #add(request: ParsedRequest): void {
    let user = this.#users.find(request);
    if (user === NOBODY) user = this.#users.add(request);
    this.#balances[user]! += request.amount;
  }

  balanceOf(name: string): number | undefined {
    // Names are looked up on the buffer; in front of the lines there is room for one.
    const nameBytes = this.#buffer.bytes.write(name, DecodedAt.user);
    const hash = hashName(this.#buffer.view, DecodedAt.user, nameBytes, SEED);
    return this.#balances[this.#users.find({ nameAt: DecodedAt.user, nameBytes, hash })];
  }
}

/** The common way, with `JSON.parse`. It can't detect a repeated field, and accepts broken UTF-8. */
class Parse implements Subject {
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #end: number;
  readonly #users = new Map<string, number>();
  readonly #balances: Float64Array;

  constructor(buffer: ReadBuffer, end: number, users: number) {
    this.#bytes = buffer.bytes;
    this.#start = buffer.start;
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

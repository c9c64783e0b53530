/**
 * The lines of a load run, made before it starts and sent cyclically. So sending takes only a view of prepared bytes,
 * and the money one addition for each series of replies: each thread counts how often each *line* was accepted, as
 * differences between neighbours, and the sums by user are computed after the run.
 *
 * All of it is in shared memory, and constant: the threads read one copy.
 */
import { readFileSync } from 'node:fs';
import { reasonOf } from '../../cli/terminal/output.ts';
import { UsageError } from '../../cli/terminal/usage.ts';
import { Kind } from './kinds.ts';
import type { Mix, ProtocolName, Work } from './plan.ts';
import { type Encoders, encodersFor } from './protocols.ts';
import { drawFrom, drawUniform, drawZipf, randomFrom } from './random.ts';

export const NO_USER = 0xffff_ffff;

/** All ids have this length, so that a line has a place for one before it is sent. */
export const ID_BYTES = 15;
const NO_ID = '.'.repeat(ID_BYTES);

export interface Script {
  bytes: Buffer;
  /** Where each line starts; one more than there are lines. */
  starts: Uint32Array;
  kinds: Uint8Array;
  /** By line: the user whose balance it changes, or NO_USER. */
  users: Uint32Array;
  /** By line: how much, signed. */
  amounts: Float64Array;
  /** By line: of a transfer, the user who gets what the other one pays; else NO_USER. */
  others: Uint32Array;
  /** By line: 1 if it has a place for an id, to be filled in when it is sent. */
  takesId: Uint8Array;
  lines: number;
  /** All lines are events: any of them may be answered `accepted`, so runs of replies need no look at each. */
  eventsOnly: boolean;
}

const LINES_MIN = 2 ** 16;
const LINES_MAX = 2 ** 22;
const BYTES_MAX = 2 ** 30;

interface Line {
  text: string | Uint8Array;
  kind: number;
  user?: number;
  amount?: number;
  other?: number;
  takesId?: boolean;
}

export interface Written {
  script: Script;
  /** Of the users in it. */
  names: string[];
  /** Lines with ids of their own: each counts once, however often the script is sent. */
  hasOwnIds: boolean;
}

/** The lines of a plan, and no more than `linesMax`. The same for the same work, protocol, seed and `linesMax`. */
export function writeScript(
  work: Work,
  protocol: ProtocolName,
  seed: number,
  linesMax: number = LINES_MAX,
): Written {
  if (work.replayFile !== undefined) return readScript(work.replayFile);
  const encoders = encodersFor(protocol);
  const random = randomFrom(seed);
  const users =
    work.skew === 'zipf' ? drawZipf(work.users, work.zipfExponent, random) : drawUniform(work.users, random);
  const kinds = Object.keys(work.mix) as (keyof Mix)[];
  const drawKind = drawFrom(
    kinds.map(kind => work.mix[kind]),
    random,
  );
  const count = Math.min(linesMax, LINES_MAX, Math.max(LINES_MIN, 4 * work.users));
  const writer = new ScriptWriter(count);
  const lineOf = lineMaker(work, encoders, users, random);
  for (let index = 0; index < count; index++) writer.add(lineOf(kinds[drawKind()]!));
  return {
    script: writer.finish(),
    names: Array.from({ length: work.users }, (_, user) => `${work.userPrefix}${user}`),
    hasOwnIds: false,
  };
}

/** Makes a line of a kind, for users who are drawn. */
function lineMaker(
  { userPrefix, users, amount, min, ids }: Work,
  encoders: Encoders,
  draw: () => number,
  random: () => number,
): (kind: keyof Mix) => Line {
  const id = ids ? NO_ID : undefined;
  const name = (user: number) => `${userPrefix}${user}`;
  return kind => {
    const user = draw();
    const event = { user, takesId: ids };
    switch (kind) {
      case 'buy':
        return { ...event, text: encoders.event(name(user), amount, { id }), kind: Kind.event, amount };
      case 'sell': {
        const text = encoders.event(name(user), -amount, { min, id });
        // With a minimum, it is answered when it was decided.
        return { ...event, text, kind: min === undefined ? Kind.event : Kind.wait, amount: -amount };
      }
      case 'wait': {
        const text = encoders.event(name(user), amount, { wait: true, id });
        return { ...event, text, kind: Kind.wait, amount };
      }
      case 'transfer': {
        const drawn = draw();
        const other = drawn === user ? (user + 1) % users : drawn;
        const text = encoders.transfer(name(user), name(other), amount, { min, id });
        return { ...event, text, kind: Kind.transfer, amount: -amount, other };
      }
      case 'balance':
        return { text: encoders.balance(name(user)), kind: Kind.balance };
      default:
        return { text: encoders.other(kind, random), kind: Kind[kind] };
    }
  };
}

/** The lines of a file, as they are. What each asks for is read from it, so that its replies can be judged. */
function readScript(file: string): Written {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new UsageError(`--replay ${file} cannot be read: ${reasonOf(error)}`);
  }
  const writer = new ScriptWriter(1_024);
  let hasOwnIds = false;
  const users = new Map<string, number>();
  const numberOf = (name: string | undefined) => {
    if (name === undefined) return NO_USER;
    if (!users.has(name)) users.set(name, users.size);
    return users.get(name)!;
  };
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(10, start);
    const line = bytes.subarray(start, end < 0 ? bytes.length : end);
    start = end < 0 ? bytes.length : end + 1;
    const { kind, name, amount = 0, to, hasId = false } = describeLine(line);
    hasOwnIds ||= hasId;
    writer.add({ text: line, kind, user: numberOf(name), amount, other: numberOf(to) });
  }
  if (writer.lines === 0) throw new UsageError(`--replay ${file} has no lines`);
  // A short script would be sent in many small writes.
  writer.repeatUpTo(LINES_MIN);
  return { script: writer.finish(), names: [...users.keys()], hasOwnIds };
}

const ACTIONS: Record<string, number> = { buy: 1, sell: -1 };

interface Described {
  kind: number;
  /** Whose money it moves, by how much, and of a transfer, who gets it. */
  name?: string;
  amount?: number;
  to?: string;
  hasId?: boolean;
}

/** A line that this does not understand may be answered with anything but `accepted`. */
function describeLine(line: Buffer): Described {
  let value: unknown;
  try {
    value = JSON.parse(line.toString());
  } catch {
    return { kind: Kind.garbage };
  }
  if (typeof value !== 'object' || value === null) return { kind: Kind.garbage };
  const { type, user, action, amount, wait, min, id, from, to } = value as Record<string, unknown>;
  if (type === 'balance' || type === 'metrics' || type === 'health') return { kind: Kind[type] };
  const isMoney = Number.isSafeInteger(amount) && (amount as number) >= 1;
  const hasId = id !== undefined;
  const isRight =
    isMoney && (min === undefined || Number.isSafeInteger(min)) && (!hasId || isText(id, ID_BYTES_MAX));
  if (isRight && type === 'transfer' && isText(from) && isText(to) && from !== to)
    return { kind: Kind.transfer, name: from, amount: -(amount as number), to, hasId };
  if (!isRight || type !== undefined || !isText(user) || !Object.hasOwn(ACTIONS, String(action)))
    return { kind: Kind.garbage };
  const kind = wait === true || min !== undefined ? Kind.wait : Kind.event;
  return { kind, name: user, amount: ACTIONS[String(action)]! * (amount as number), hasId };
}

export const NAME_BYTES_MAX = 128;
const ID_BYTES_MAX = 64;

/** A name, or an id. */
function isText(value: unknown, bytesMax = NAME_BYTES_MAX): value is string {
  if (typeof value !== 'string') return false;
  const bytes = Buffer.byteLength(value);
  return bytes > 0 && bytes <= bytesMax && !/\p{Surrogate}/u.test(value);
}

class ScriptWriter {
  lines = 0;
  #bytes = Buffer.allocUnsafe(1 << 20);
  #used = 0;
  #starts: Uint32Array;
  #kinds: Uint8Array;
  #users: Uint32Array;
  #amounts: Float64Array;
  #others: Uint32Array;
  #takesId: Uint8Array;

  constructor(linesExpected: number) {
    this.#starts = new Uint32Array(linesExpected + 1);
    this.#kinds = new Uint8Array(linesExpected);
    this.#users = new Uint32Array(linesExpected);
    this.#amounts = new Float64Array(linesExpected);
    this.#others = new Uint32Array(linesExpected);
    this.#takesId = new Uint8Array(linesExpected);
  }

  /** Adds the line, and the line end. */
  add({ text, kind, user = NO_USER, amount = 0, other = NO_USER, takesId = false }: Line): void {
    const bytesMax = (typeof text === 'string' ? 3 * text.length : text.length) + 1;
    if (this.#used + bytesMax > this.#bytes.length) this.#growBytes(bytesMax);
    if (this.lines === this.#kinds.length) this.#growLines();
    if (typeof text === 'string') this.#used += this.#bytes.write(text, this.#used);
    else {
      this.#bytes.set(text, this.#used);
      this.#used += text.length;
    }
    this.#bytes[this.#used++] = 10;
    this.#kinds[this.lines] = kind;
    this.#users[this.lines] = user;
    this.#amounts[this.lines] = amount;
    this.#others[this.lines] = other;
    this.#takesId[this.lines] = takesId ? 1 : 0;
    this.#starts[++this.lines] = this.#used;
  }

  /** Adds all lines again, until there are so many. */
  repeatUpTo(linesMin: number): void {
    const lines = this.lines;
    while (this.lines < linesMin) {
      for (let line = 0; line < lines; line++) {
        const text = this.#bytes.subarray(this.#starts[line]!, this.#starts[line + 1]! - 1);
        const [kind, user, amount] = [this.#kinds[line]!, this.#users[line]!, this.#amounts[line]!];
        this.add({ text, kind, user, amount, other: this.#others[line]! });
      }
    }
  }

  finish(): Script {
    const { lines } = this;
    const kinds = share(this.#kinds.subarray(0, lines), Uint8Array);
    const bytes = new SharedArrayBuffer(this.#used);
    new Uint8Array(bytes).set(this.#bytes.subarray(0, this.#used));
    return {
      bytes: Buffer.from(bytes),
      starts: share(this.#starts.subarray(0, lines + 1), Uint32Array),
      kinds,
      users: share(this.#users.subarray(0, lines), Uint32Array),
      amounts: share(this.#amounts.subarray(0, lines), Float64Array),
      others: share(this.#others.subarray(0, lines), Uint32Array),
      takesId: share(this.#takesId.subarray(0, lines), Uint8Array),
      lines,
      eventsOnly: kinds.every(kind => kind === Kind.event),
    };
  }

  #growBytes(bytesMore: number): void {
    if (this.#used + bytesMore > BYTES_MAX) throw new UsageError('the lines of a run may have 1 GiB at most');
    const grown = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#used + bytesMore));
    grown.set(this.#bytes.subarray(0, this.#used));
    this.#bytes = grown;
  }

  #growLines(): void {
    const linesMax = 2 * this.#kinds.length;
    this.#starts = grow(this.#starts, new Uint32Array(linesMax + 1));
    this.#kinds = grow(this.#kinds, new Uint8Array(linesMax));
    this.#users = grow(this.#users, new Uint32Array(linesMax));
    this.#amounts = grow(this.#amounts, new Float64Array(linesMax));
    this.#others = grow(this.#others, new Uint32Array(linesMax));
    this.#takesId = grow(this.#takesId, new Uint8Array(linesMax));
  }
}

type Numbers = Uint8Array | Uint32Array | Float64Array;

function grow<Kept extends Numbers>(from: Kept, to: Kept): Kept {
  to.set(from);
  return to;
}

function share<Kept extends Numbers>(
  from: Kept,
  Type: { new (buffer: SharedArrayBuffer): Kept; BYTES_PER_ELEMENT: number },
): Kept {
  const shared = new Type(new SharedArrayBuffer(from.length * Type.BYTES_PER_ELEMENT));
  shared.set(from);
  return shared;
}

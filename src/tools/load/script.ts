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
import type { Mix, ProtocolName, Work } from './plan.ts';
import { encodersFor } from './protocols.ts';
import { drawFrom, drawUniform, drawZipf, randomFrom } from './random.ts';

/** What a line asks for. `event` may be answered `accepted`; `wait` must be answered with the balance. */
export const Kind = { event: 0, wait: 1, balance: 2, metrics: 3, health: 4, garbage: 5 } as const;

export const NO_USER = 0xffff_ffff;

export interface Script {
  bytes: Buffer;
  /** Where each line starts; one more than there are lines. */
  starts: Uint32Array;
  kinds: Uint8Array;
  /** By line: the user whose balance it changes, or NO_USER. */
  users: Uint32Array;
  /** By line: how much, signed. */
  amounts: Float64Array;
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
  user: number;
  amount: number;
}

/** The lines of a plan, and the names of the users in them. The same for the same work, protocol and seed. */
export function writeScript(
  work: Work,
  protocol: ProtocolName,
  seed: number,
): { script: Script; names: string[] } {
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
  const count = Math.min(LINES_MAX, Math.max(LINES_MIN, 4 * work.users));
  const writer = new ScriptWriter(count);
  for (let index = 0; index < count; index++) {
    const kind = kinds[drawKind()]!;
    const user = users();
    const name = `${work.userPrefix}${user}`;
    switch (kind) {
      case 'buy':
        writer.add({ text: encoders.event(name, work.amount), kind: Kind.event, user, amount: work.amount });
        break;
      case 'sell':
        writer.add({
          text: encoders.event(name, -work.amount),
          kind: Kind.event,
          user,
          amount: -work.amount,
        });
        break;
      case 'wait':
        writer.add({ text: encoders.wait(name, work.amount), kind: Kind.wait, user, amount: work.amount });
        break;
      case 'balance':
        writer.add({ text: encoders.balance(name), kind: Kind.balance, user: NO_USER, amount: 0 });
        break;
      default:
        writer.add({ text: encoders.other(kind, random), kind: Kind[kind], user: NO_USER, amount: 0 });
    }
  }
  return {
    script: writer.finish(),
    names: Array.from({ length: work.users }, (_, user) => `${work.userPrefix}${user}`),
  };
}

/** The lines of a file, as they are. What each asks for is read from it, so that its replies can be judged. */
function readScript(file: string): { script: Script; names: string[] } {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new UsageError(`--replay ${file} cannot be read: ${reasonOf(error)}`);
  }
  const writer = new ScriptWriter(1_024);
  const users = new Map<string, number>();
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(10, start);
    const line = bytes.subarray(start, end < 0 ? bytes.length : end);
    start = end < 0 ? bytes.length : end + 1;
    const { kind, name, amount } = describeLine(line);
    let user = NO_USER;
    if (name !== undefined) {
      user = users.get(name) ?? users.size;
      users.set(name, user);
    }
    writer.add({ text: line, kind, user, amount });
  }
  if (writer.lines === 0) throw new UsageError(`--replay ${file} has no lines`);
  // A short script would be sent in many small writes.
  writer.repeatUpTo(LINES_MIN);
  return { script: writer.finish(), names: [...users.keys()] };
}

const ACTIONS: Record<string, number> = { buy: 1, sell: -1 };

/** A line that this does not understand may be answered with anything but `accepted`. */
function describeLine(line: Buffer): { kind: number; name?: string; amount: number } {
  let value: unknown;
  try {
    value = JSON.parse(line.toString());
  } catch {
    return { kind: Kind.garbage, amount: 0 };
  }
  if (typeof value !== 'object' || value === null) return { kind: Kind.garbage, amount: 0 };
  const { type, user, action, amount, wait } = value as Record<string, unknown>;
  if (type === 'balance' || type === 'metrics' || type === 'health') return { kind: Kind[type], amount: 0 };
  if (
    type !== undefined ||
    typeof user !== 'string' ||
    !isName(user) ||
    !Number.isSafeInteger(amount) ||
    (amount as number) < 1 ||
    !Object.hasOwn(ACTIONS, String(action))
  )
    return { kind: Kind.garbage, amount: 0 };
  const kind = wait === true ? Kind.wait : Kind.event;
  return { kind, name: user, amount: ACTIONS[String(action)]! * (amount as number) };
}

export const NAME_BYTES_MAX = 128;

function isName(user: string): boolean {
  const bytes = Buffer.byteLength(user);
  return bytes > 0 && bytes <= NAME_BYTES_MAX && !/\p{Surrogate}/u.test(user);
}

class ScriptWriter {
  lines = 0;
  #bytes = Buffer.allocUnsafe(1 << 20);
  #used = 0;
  #starts: Uint32Array;
  #kinds: Uint8Array;
  #users: Uint32Array;
  #amounts: Float64Array;

  constructor(linesExpected: number) {
    this.#starts = new Uint32Array(linesExpected + 1);
    this.#kinds = new Uint8Array(linesExpected);
    this.#users = new Uint32Array(linesExpected);
    this.#amounts = new Float64Array(linesExpected);
  }

  /** Adds the line, and the line end. */
  add({ text, kind, user, amount }: Line): void {
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
    this.#starts[++this.lines] = this.#used;
  }

  /** Adds all lines again, until there are so many. */
  repeatUpTo(linesMin: number): void {
    const lines = this.lines;
    while (this.lines < linesMin) {
      for (let line = 0; line < lines; line++) {
        const text = this.#bytes.subarray(this.#starts[line]!, this.#starts[line + 1]! - 1);
        const [kind, user, amount] = [this.#kinds[line]!, this.#users[line]!, this.#amounts[line]!];
        this.add({ text, kind, user, amount });
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

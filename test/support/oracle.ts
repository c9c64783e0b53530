/**
 * What a line is, by the words of the contract: strict UTF-8, `JSON.parse`, and a reading of its fields that
 * shares nothing with the parsers of the server but the names of the verdicts. And the server's parsers behind the
 * same face, so that both can be compared line by line.
 */

import { createFastParser, type FastParse } from '../../src/protocol/fast-parser.ts';
import { drawHashSeed, hashName } from '../../src/protocol/hash.ts';
import { hashId } from '../../src/protocol/id-hash.ts';
import { JsonParser } from '../../src/protocol/json-parser.ts';
import { ReadBuffer } from '../../src/protocol/read-buffer.ts';
import { emptyRequest, Kind, Wants } from '../../src/protocol/request.ts';

/** What was made of a line; whatever its kind does not have is empty, 0 or false. */
export interface Verdict {
  kind: Kind;
  user: Buffer;
  /** Signed: what the event adds. */
  amount: number;
  isWaiting: boolean;
  id: Buffer;
  /** The lowest balance that it may leave; −Infinity: any. */
  min: number;
  /** Of a transfer. */
  to: Buffer;
}

const SEED = drawHashSeed();
const NOBODY = Buffer.alloc(0);
const NEWLINE = 0x0a;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const KIND_NAMES = Object.fromEntries(Object.entries(Kind).map(([name, kind]) => [kind, name]));

const REQUESTS: Record<string, Kind | undefined> = {
  balance: Kind.balance,
  metrics: Kind.metrics,
  health: Kind.health,
  debug: Kind.debug,
  transfer: Kind.transfer,
  auth: Kind.auth,
  admin: Kind.admin,
};
/** What the steps do not know. */
const LATER: readonly Kind[] = [Kind.transfer, Kind.auth, Kind.admin];

/** The verdict on a line, given without its line end; `isStep`: of a server that has no ids, minimums and transfers. */
export function oracle(line: Uint8Array, isStep = false): Verdict {
  let text: string;
  let value: unknown;
  try {
    text = decoder.decode(line);
    value = JSON.parse(text);
  } catch {
    return verdict(Kind.invalidJson);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return verdict(Kind.invalidEvent);
  const keys = topLevelKeys(text);
  const fields = value as Record<string, unknown>;

  const types = count(keys, 'type');
  if (types > 0) {
    if (types > 1 || typeof fields.type !== 'string') return verdict(Kind.invalidEvent);
    const kind = Object.hasOwn(REQUESTS, fields.type) ? REQUESTS[fields.type] : undefined;
    if (kind === undefined || (isStep && LATER.includes(kind))) return verdict(Kind.unknownType);
    if (kind === Kind.metrics) {
      const details = count(keys, 'detail');
      if (details > 1) return verdict(Kind.invalidEvent);
      return verdict(details === 1 && fields.detail === true ? Kind.metricsDetail : Kind.metrics);
    }
    if (kind === Kind.transfer) return transferOf(keys, fields);
    if (kind !== Kind.balance) return verdict(kind);
    const user = count(keys, 'user') === 1 ? nameOf(fields.user) : undefined;
    return user === undefined ? verdict(Kind.invalidEvent) : verdict(Kind.balance, user);
  }

  const waits = count(keys, 'wait');
  if (count(keys, 'user') !== 1 || count(keys, 'action') !== 1 || count(keys, 'amount') !== 1 || waits > 1)
    return verdict(Kind.invalidEvent);
  const user = nameOf(fields.user);
  const { action, amount } = fields;
  const isWaiting = waits === 1 ? fields.wait : false;
  if (user === undefined || (action !== 'buy' && action !== 'sell') || typeof isWaiting !== 'boolean')
    return verdict(Kind.invalidEvent);
  if (typeof amount !== 'number' || !Number.isSafeInteger(amount) || amount < 1)
    return verdict(Kind.invalidEvent);
  const extras = isStep ? {} : extrasOf(keys, fields);
  if (extras === undefined) return verdict(Kind.invalidEvent);
  return { ...verdict(Kind.event, user, action === 'buy' ? amount : -amount, isWaiting), ...extras };
}

function transferOf(keys: readonly string[], fields: Record<string, unknown>): Verdict {
  if (['from', 'to', 'amount'].some(key => count(keys, key) !== 1)) return verdict(Kind.invalidEvent);
  const [from, to] = [nameOf(fields.from), nameOf(fields.to)];
  const { amount } = fields;
  const extras = extrasOf(keys, fields);
  if (from === undefined || to === undefined || from.equals(to) || extras === undefined)
    return verdict(Kind.invalidEvent);
  if (typeof amount !== 'number' || !Number.isSafeInteger(amount) || amount < 1)
    return verdict(Kind.invalidEvent);
  return { ...verdict(Kind.transfer, from, -amount, true), ...extras, to };
}

/** `id` and `min` of an event or a transfer; undefined if one of them is not valid. */
function extrasOf(keys: readonly string[], fields: Record<string, unknown>) {
  const [ids, mins] = [count(keys, 'id'), count(keys, 'min')];
  const id = ids === 0 ? NOBODY : nameOf(fields.id, 64);
  const min = mins === 0 ? Number.NEGATIVE_INFINITY : fields.min;
  if (ids > 1 || mins > 1 || id === undefined || typeof min !== 'number') return undefined;
  if (mins === 1 && !Number.isSafeInteger(min)) return undefined;
  return { id, min: min + 0 };
}

function count(keys: readonly string[], name: string): number {
  let times = 0;
  for (const key of keys) if (key === name) times += 1;
  return times;
}

function verdict(kind: Kind, user: Buffer = NOBODY, amount = 0, isWaiting = false): Verdict {
  return { kind, user, amount, isWaiting, id: NOBODY, min: Number.NEGATIVE_INFINITY, to: NOBODY };
}

function nameOf(value: unknown, bytesMax = 128): Buffer | undefined {
  if (typeof value !== 'string') return undefined;
  const bytes = Buffer.from(value);
  // A lone surrogate has no UTF-8: it does not come back as it went.
  if (bytes.length < 1 || bytes.length > bytesMax || bytes.toString() !== value) return undefined;
  return bytes;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** The keys of the outermost object of a text that is JSON, repeated ones too, which `JSON.parse` hides. */
export function topLevelKeys(text: string): string[] {
  const keys: string[] = [];
  let depth = 0;
  let isKeyNext = false;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case OPEN_BRACE:
      case OPEN_BRACKET:
        depth += 1;
        isKeyNext = depth === 1;
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth -= 1;
        isKeyNext = false;
        break;
      case COMMA:
        isKeyNext = depth === 1;
        break;
      case QUOTE: {
        const from = at;
        let hasEscape = false;
        for (at += 1; text.charCodeAt(at) !== QUOTE; at++) {
          if (text.charCodeAt(at) !== BACKSLASH) continue;
          hasEscape = true;
          at += 1;
        }
        if (isKeyNext)
          keys.push(hasEscape ? (JSON.parse(text.slice(from, at + 1)) as string) : text.slice(from + 1, at));
        isKeyNext = false;
        break;
      }
    }
  }
  return keys;
}

/** The server's parsers, with a read buffer of their own. What lies behind a line is what earlier lines left there. */
export class Subject {
  readonly buffer: ReadBuffer;
  readonly #fast: FastParse;
  readonly #json: JsonParser;
  readonly #request = emptyRequest();

  constructor(linesBytesMax: number) {
    this.buffer = new ReadBuffer(linesBytesMax);
    this.#fast = createFastParser(this.buffer, SEED);
    this.#json = new JsonParser(this.buffer, SEED);
  }

  /** Lays a line and its line end in the buffer, and the sentinel behind them as a session does. */
  place(line: Uint8Array, at = this.buffer.start): void {
    this.buffer.bytes.set(line, at);
    this.buffer.bytes[at + line.length] = NEWLINE;
    this.buffer.bytes[at + line.length + 1] = NEWLINE;
  }

  /** The fast parser's verdict on the line placed at `at`; undefined if it leaves it to the JSON parser. */
  usual(bytes: number, at = this.buffer.start): (Verdict & { hash: number }) | undefined {
    const next = this.#fast(at, at + bytes + 1, this.#request);
    if (next === 0) return undefined;
    if (next !== at + bytes + 1) throw new Error(`the next line is at ${next}, not at ${at + bytes + 1}`);
    return this.#read(Kind.event);
  }

  /** The fast parser's answer to the same line while its line end has not come yet: it must be 0. */
  usualPartial(bytes: number, at = this.buffer.start): number {
    return this.#fast(at, at + bytes, this.#request);
  }

  /** The JSON parser's verdict on the line placed at `at`. */
  general(bytes: number, at = this.buffer.start): Verdict & { hash: number } {
    return this.#read(this.#json.parse(at, at + bytes, this.#request));
  }

  /** What is wrong with how the server judges a line; undefined if all is as the oracle says. */
  complaint(line: Uint8Array, at = this.buffer.start): string | undefined {
    return this.examine(line, at).complaint;
  }

  /** The same, with the kind that the line is. */
  examine(line: Uint8Array, at = this.buffer.start): { kind: Kind; complaint: string | undefined } {
    const verdict = oracle(line);
    const expected = { ...verdict, id: verdict.id.length === 0 ? NOBODY : idHashOf(verdict.id) };
    return { kind: expected.kind, complaint: this.#compare(line, at, expected) };
  }

  #compare(line: Uint8Array, at: number, expected: Verdict): string | undefined {
    this.place(line, at);
    let usual: (Verdict & { hash: number }) | undefined;
    try {
      usual = this.usual(line.length, at);
    } catch (error) {
      return `FastParser: ${(error as Error).message}`;
    }
    const general = this.general(line.length, at);
    if (!isSame(general, expected)) return `JsonParser says ${show(general)}, the oracle ${show(expected)}`;
    if (usual !== undefined && !isSame(usual, expected))
      return `FastParser says ${show(usual)}, the oracle ${show(expected)}`;
    if (usual !== undefined && usual.hash !== general.hash)
      return `FastParser hashes to ${usual.hash}, JsonParser to ${general.hash}`;
    if (expected.user.length > 0 && general.hash !== hashOf(expected.user))
      return `the hash of ${show(general)} is ${general.hash}, not ${hashOf(expected.user)}`;
    if (usual !== undefined && this.usualPartial(line.length, at) !== 0)
      return 'FastParser takes a line whose end has not come';
    if (this.buffer.bytes.compare(line, 0, line.length, at, at + line.length) !== 0)
      return 'the line was changed while it was judged';
    if (this.buffer.bytes[at + line.length] !== NEWLINE) return 'the line end was changed';
    return undefined;
  }

  #read(kind: Kind): Verdict & { hash: number } {
    const { nameAt, nameBytes, hash, amount, wants, id, min, to } = this.#request;
    if (kind !== Kind.event && kind !== Kind.balance && kind !== Kind.transfer)
      return { ...verdict(kind), hash: 0 };
    const textAt = (at: number, bytes: number) => Buffer.from(this.buffer.bytes.subarray(at, at + bytes));
    const user = textAt(nameAt, nameBytes);
    if (kind === Kind.balance) return { ...verdict(kind, user), hash };
    return {
      ...verdict(kind, user, amount, (wants & Wants.wait) !== 0),
      // Of an id, the parsers keep only the hash.
      id: (wants & Wants.id) !== 0 ? Buffer.from(Int32Array.from(id).buffer) : NOBODY,
      min: (wants & Wants.min) !== 0 ? min : Number.NEGATIVE_INFINITY,
      to: kind === Kind.transfer ? textAt(to.nameAt, to.nameBytes) : NOBODY,
      hash,
    };
  }
}

export function isSame(one: Verdict, other: Verdict): boolean {
  return (
    one.kind === other.kind &&
    one.amount === other.amount &&
    one.isWaiting === other.isWaiting &&
    Object.is(one.min, other.min) &&
    one.id.equals(other.id) &&
    one.to.equals(other.to) &&
    (one.user === other.user || one.user.equals(other.user))
  );
}

export function show({ kind, user, amount, isWaiting, id, min, to }: Verdict): string {
  if (kind !== Kind.event && kind !== Kind.balance && kind !== Kind.transfer) return KIND_NAMES[kind]!;
  const name = `${KIND_NAMES[kind]} of ${JSON.stringify(user.toString())} (hex ${user.toString('hex')})`;
  if (kind === Kind.balance) return name;
  const parts = [`${name} ${amount}`];
  if (isWaiting) parts.push('waiting');
  if (id.length > 0) parts.push(`id ${id.toString('hex')}`);
  if (Number.isFinite(min)) parts.push(`min ${min}`);
  if (to.length > 0) parts.push(`to ${to.toString('hex')}`);
  return parts.join(' ');
}

/** The hash of an id that lies alone, as bytes. */
function idHashOf(id: Buffer): Buffer {
  alone.fill(0xa5, id.length, id.length + 4);
  alone.set(id);
  const hash = new Int32Array(4);
  hashId(aloneView, 0, id.length, SEED.id, hash);
  return Buffer.from(hash.buffer);
}

/** The hash of a name that lies alone, with bytes behind it that must not count. */
function hashOf(user: Buffer): number {
  alone.fill(0xa5, user.length, user.length + 4);
  alone.set(user);
  return hashName(aloneView, 0, user.length, SEED);
}
const alone = Buffer.alloc(256);
const aloneView = new DataView(alone.buffer, alone.byteOffset, alone.byteLength);

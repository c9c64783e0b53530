/**
 * Parses any line: whether it is JSON, and if so, which event or request it is.
 *
 * The scanner (json-scanner.ts) checks the grammar; the values of the known fields are noted during the scan.
 * `JSON.parse` would be slower, hides a field that appears twice, and needs the bytes as a string. The fuzzer (`npm
 * run fuzz`) checks that both agree on every line.
 */
import { isUtf8 } from 'node:buffer';
import { type HashSeed, hashName } from './hash.ts';
import { JsonScanner, NO_JSON } from './json-scanner.ts';
import { decodeString } from './json-strings.ts';
import { USER_BYTES_MAX } from './limits.ts';
import { DECODED_AT, type ReadBuffer } from './read-buffer.ts';
import { Kind, type ParsedRequest } from './request.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const Field = { user: 0, action: 1, amount: 2, wait: 3, type: 4, detail: 5, unknown: 6 } as const;
type Field = (typeof Field)[keyof typeof Field];
const FIELD_NAMES = ['user', 'action', 'amount', 'wait', 'type', 'detail'].map(name => Buffer.from(name));
const ACTIONS = ['buy', 'sell'].map(name => Buffer.from(name));
const TYPES = ['balance', 'metrics', 'health', 'debug'].map(name => Buffer.from(name));
const TYPE_KINDS = [Kind.balance, Kind.metrics, Kind.health, Kind.debug];

/** No value, or an invalid one. */
const INVALID = -1;
/** Integers of up to this many digits are exact in a float64, whatever way their digits are added up. */
const PLAIN_DIGITS_MAX = 15;

export class JsonParser {
  readonly #buffer: ReadBuffer;
  readonly #bytes: Buffer;
  readonly #seed: HashSeed;
  readonly #scanner: JsonScanner;

  // For each known field: how often the line has it, and its value.
  readonly #seen = new Uint8Array(FIELD_NAMES.length);
  #nameAt = 0;
  #nameBytes = INVALID;
  #action = INVALID;
  #amount = INVALID;
  #wait = INVALID;
  #type = INVALID;
  #isTypeString = false;
  #isDetailed = false;

  constructor(buffer: ReadBuffer, seed: HashSeed) {
    this.#buffer = buffer;
    this.#bytes = buffer.bytes;
    this.#seed = seed;
    this.#scanner = new JsonScanner(buffer.bytes, buffer.capacity);
  }

  /** Parses the line from `start` up to `stop`, where its line end is (or would be). */
  parse(start: number, stop: number, request: ParsedRequest): Kind {
    const ended = this.#bytes[stop]!;
    this.#bytes[stop] = 0;
    this.#seen.fill(0);
    this.#scanner.begin();
    const isObject = this.#bytes[this.#scanner.space(start)] === OPEN_BRACE;
    const end = isObject
      ? this.#object(this.#scanner.space(start))
      : this.#scanner.value(this.#scanner.space(start));
    const isJson = end !== NO_JSON && this.#scanner.space(end) === stop;
    this.#bytes[stop] = ended;
    // Valid JSON has bytes beyond ASCII in strings only, and the scanner has seen all strings.
    if (!isJson || (this.#scanner.hasHighByte && !isUtf8(this.#bytes.subarray(start, stop))))
      return Kind.invalidJson;
    return isObject ? this.#kind(request) : Kind.invalidEvent;
  }

  /** The kind of the line, from the fields noted. */
  #kind(request: ParsedRequest): Kind {
    const seen = this.#seen;
    if (seen[Field.type]! > 0) {
      if (seen[Field.type]! > 1 || !this.#isTypeString) return Kind.invalidEvent;
      if (this.#type === INVALID) return Kind.unknownType;
      const kind = TYPE_KINDS[this.#type]!;
      if (kind === Kind.metrics) {
        if (seen[Field.detail]! > 1) return Kind.invalidEvent;
        return seen[Field.detail] === 1 && this.#isDetailed ? Kind.metricsDetail : Kind.metrics;
      }
      if (kind === Kind.balance && !this.#noteUser(request)) return Kind.invalidEvent;
      return kind;
    }
    if (seen[Field.action] !== 1 || this.#action === INVALID) return Kind.invalidEvent;
    if (seen[Field.amount] !== 1 || this.#amount === INVALID) return Kind.invalidEvent;
    if (seen[Field.wait]! > 1 || (seen[Field.wait] === 1 && this.#wait === INVALID)) return Kind.invalidEvent;
    if (!this.#noteUser(request)) return Kind.invalidEvent;
    request.amount = this.#action === 0 ? this.#amount : -this.#amount;
    request.isWaiting = seen[Field.wait] === 1 && this.#wait === 1;
    return Kind.event;
  }

  #noteUser(request: ParsedRequest): boolean {
    if (this.#seen[Field.user] !== 1 || this.#nameBytes === INVALID) return false;
    request.nameAt = this.#nameAt;
    request.nameBytes = this.#nameBytes;
    request.hash = hashName(this.#buffer.view, this.#nameAt, this.#nameBytes, this.#seed);
    return true;
  }

  /** Scans the object that opens at `at`, noting the known fields. */
  #object(at: number): number {
    const bytes = this.#bytes;
    let next = this.#scanner.space(at + 1);
    if (bytes[next] === CLOSE_BRACE) return next + 1;
    for (;;) {
      const key = next;
      next = this.#scanner.string(key);
      if (next === NO_JSON) return NO_JSON;
      const field = this.#choice(FIELD_NAMES, key, next) as Field | typeof INVALID;
      next = this.#scanner.space(next);
      if (bytes[next] !== COLON) return NO_JSON;
      const value = this.#scanner.space(next + 1);
      next = this.#scanner.value(value);
      if (next === NO_JSON) return NO_JSON;
      if (field !== INVALID) this.#note(field, value, next);
      next = this.#scanner.space(next);
      if (bytes[next] === CLOSE_BRACE) return next + 1;
      if (bytes[next] !== COMMA) return NO_JSON;
      next = this.#scanner.space(next + 1);
    }
  }

  /** Notes the value of a known field: the JSON from `at` up to `end`. */
  #note(field: Field, at: number, end: number): void {
    const first = this.#bytes[at]!;
    const isString = first === QUOTE;
    if (this.#seen[field]! < 2) this.#seen[field]! += 1;
    switch (field) {
      case Field.user:
        // A second name makes the line invalid, or is ignored by the request: the first need not be kept.
        this.#nameBytes = isString ? this.#nameOf(at, end) : INVALID;
        return;
      case Field.action:
        this.#action = isString ? this.#choice(ACTIONS, at, end) : INVALID;
        return;
      case Field.amount:
        this.#amount =
          first === MINUS || (first >= ZERO && first <= NINE) ? this.#amountOf(at, end) : INVALID;
        return;
      case Field.wait:
        this.#wait = first === 0x74 ? 1 : first === 0x66 ? 0 : INVALID;
        return;
      case Field.type:
        this.#isTypeString = isString;
        this.#type = isString ? this.#choice(TYPES, at, end) : INVALID;
        return;
      case Field.detail:
        this.#isDetailed = first === 0x74;
        return;
    }
  }

  /** The length in bytes of the name in the string from `at` up to `end`, or INVALID. */
  #nameOf(at: number, end: number): number {
    this.#nameAt = at + 1;
    let bytes = end - at - 2;
    if (this.#scanner.hasEscape) {
      this.#nameAt = DECODED_AT;
      bytes = decodeString(this.#bytes, at + 1, end - 1, DECODED_AT, USER_BYTES_MAX);
    }
    return bytes >= 1 && bytes <= USER_BYTES_MAX ? bytes : INVALID;
  }

  /** The index of the string from `at` up to `end` among the choices, or INVALID. */
  #choice(choices: readonly Buffer[], at: number, end: number): number {
    let from = at + 1;
    let to = end - 1;
    if (this.#scanner.hasEscape) {
      // Behind the place of the name, which may hold a decoded name.
      const decoded = decodeString(this.#bytes, from, to, DECODED_AT + USER_BYTES_MAX, 16);
      from = DECODED_AT + USER_BYTES_MAX;
      to = from + decoded;
    }
    for (let choice = 0; choice < choices.length; choice++) {
      const name = choices[choice]!;
      if (name.length !== to - from) continue;
      let same = 0;
      while (same < name.length && name[same] === this.#bytes[from + same]) same += 1;
      if (same === name.length) return choice;
    }
    return INVALID;
  }

  /** The value of the number from `at` up to `end` if it is a valid amount, else INVALID. */
  #amountOf(at: number, end: number): number {
    let value = 0;
    let next = at;
    for (; next < end; next++) {
      const digit = this.#bytes[next]! - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    if (next < end || end - at > PLAIN_DIGITS_MAX) value = Number(this.#bytes.toString('latin1', at, end));
    return Number.isSafeInteger(value) && value >= 1 ? value : INVALID;
  }
}

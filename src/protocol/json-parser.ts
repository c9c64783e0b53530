/**
 * Parses any line: whether it is JSON, and if so, which event or request it is.
 *
 * The scanner (json-scanner.ts) checks the grammar; the values of the known fields are noted during the scan.
 * `JSON.parse` would be slower, hides a field that appears twice, and needs the bytes as a string. The fuzzer (`npm
 * run fuzz`) checks that both agree on every line.
 */
import { isUtf8 } from 'node:buffer';
import { type HashSeed, hashName } from './hash.ts';
import { hashId } from './id-hash.ts';
import { ACTIONS, FIELD_NAMES, Field, KINDS, TYPES } from './json-fields.ts';
import { JsonScanner, NO_JSON } from './json-scanner.ts';
import { decodeString } from './json-strings.ts';
import {
  amountOf,
  booleanOf,
  choiceOf,
  INVALID,
  isNumber,
  isSameText,
  minOf,
  type Text,
} from './json-values.ts';
import { ID_BYTES_MAX, USER_BYTES_MAX } from './limits.ts';
import { DecodedAt, type ReadBuffer } from './read-buffer.ts';
import { Kind, type ParsedRequest, Wants } from './request.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

export class JsonParser {
  readonly #buffer: ReadBuffer;
  readonly #bytes: Buffer;
  readonly #seed: HashSeed;
  readonly #scanner: JsonScanner;

  // For each known field: how often the line has it, and its value.
  readonly #seen = new Uint8Array(FIELD_NAMES.length);
  readonly #user: Text = { at: 0, bytes: INVALID };
  readonly #from: Text = { at: 0, bytes: INVALID };
  readonly #to: Text = { at: 0, bytes: INVALID };
  readonly #id: Text = { at: 0, bytes: INVALID };
  #action = INVALID;
  #amount = INVALID;
  #wait = INVALID;
  #fresh = INVALID;
  /** NaN: no valid one. */
  #min = Number.NaN;
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
      const kind = KINDS[this.#type]!;
      if (kind === Kind.metrics) {
        if (seen[Field.detail]! > 1) return Kind.invalidEvent;
        return seen[Field.detail] === 1 && this.#isDetailed ? Kind.metricsDetail : Kind.metrics;
      }
      if (kind === Kind.balance) return this.#balance(request);
      return kind === Kind.transfer ? this.#transfer(request) : kind;
    }
    if (seen[Field.action] !== 1 || this.#action === INVALID) return Kind.invalidEvent;
    if (seen[Field.amount] !== 1 || this.#amount === INVALID) return Kind.invalidEvent;
    if (seen[Field.wait]! > 1 || (seen[Field.wait] === 1 && this.#wait === INVALID)) return Kind.invalidEvent;
    request.wants = seen[Field.wait] === 1 && this.#wait === 1 ? Wants.wait : 0;
    if (!this.#noteName(Field.user, this.#user, request) || !this.#noteExtras(request))
      return Kind.invalidEvent;
    request.amount = this.#action === 0 ? this.#amount : -this.#amount;
    return Kind.event;
  }

  #balance(request: ParsedRequest): Kind {
    const { [Field.fresh]: fresh } = this.#seen;
    if (fresh! > 1 || (fresh === 1 && this.#fresh === INVALID)) return Kind.invalidEvent;
    request.wants = fresh === 1 && this.#fresh === 1 ? Wants.fresh : 0;
    return this.#noteName(Field.user, this.#user, request) ? Kind.balance : Kind.invalidEvent;
  }

  #transfer(request: ParsedRequest): Kind {
    if (this.#seen[Field.amount] !== 1 || this.#amount === INVALID) return Kind.invalidEvent;
    request.wants = Wants.wait;
    const { to } = request;
    if (!this.#noteName(Field.from, this.#from, request) || !this.#noteName(Field.to, this.#to, to))
      return Kind.invalidEvent;
    if (!this.#noteExtras(request)) return Kind.invalidEvent;
    if (isSameText(this.#bytes, this.#from, this.#to)) return Kind.invalidEvent;
    request.amount = -this.#amount;
    return Kind.transfer;
  }

  /** Notes `id` and `min`; false if one of them is invalid. */
  #noteExtras(request: ParsedRequest): boolean {
    const seen = this.#seen;
    if (seen[Field.id] !== 0) {
      const { at, bytes } = this.#id;
      if (seen[Field.id] !== 1 || bytes === INVALID) return false;
      hashId(this.#buffer.view, at, bytes, this.#seed.id, request.id);
      request.wants |= Wants.id;
    }
    if (seen[Field.min] !== 0) {
      if (seen[Field.min] !== 1 || Number.isNaN(this.#min)) return false;
      request.min = this.#min;
      request.wants |= Wants.min;
    }
    return true;
  }

  #noteName(
    field: Field,
    { at, bytes }: Text,
    into: { nameAt: number; nameBytes: number; hash: number },
  ): boolean {
    if (this.#seen[field] !== 1 || bytes === INVALID) return false;
    into.nameAt = at;
    into.nameBytes = bytes;
    into.hash = hashName(this.#buffer.view, at, bytes, this.#seed);
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
      // A second one makes the line invalid, or is ignored by the request: the first need not be kept.
      case Field.user:
        this.#noteText(this.#user, at, end, isString, DecodedAt.user, USER_BYTES_MAX);
        return;
      case Field.from:
        this.#noteText(this.#from, at, end, isString, DecodedAt.from, USER_BYTES_MAX);
        return;
      case Field.to:
        this.#noteText(this.#to, at, end, isString, DecodedAt.to, USER_BYTES_MAX);
        return;
      case Field.id:
        this.#noteText(this.#id, at, end, isString, DecodedAt.id, ID_BYTES_MAX);
        return;
      case Field.action:
        this.#action = isString ? this.#choice(ACTIONS, at, end) : INVALID;
        return;
      case Field.amount:
        this.#amount = isNumber(first) ? amountOf(this.#bytes, at, end) : INVALID;
        return;
      case Field.min:
        this.#min = isNumber(first) ? minOf(this.#bytes, at, end) : Number.NaN;
        return;
      case Field.wait:
        this.#wait = booleanOf(first);
        return;
      case Field.fresh:
        this.#fresh = booleanOf(first);
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

  /** Notes the string from `at` up to `end`, decoded if it has escapes. */
  #noteText(
    text: Text,
    at: number,
    end: number,
    isString: boolean,
    decodedAt: number,
    bytesMax: number,
  ): void {
    text.at = at + 1;
    let bytes = isString ? end - at - 2 : INVALID;
    if (isString && this.#scanner.hasEscape) {
      text.at = decodedAt;
      bytes = decodeString(this.#bytes, at + 1, end - 1, decodedAt, bytesMax);
    }
    text.bytes = bytes >= 1 && bytes <= bytesMax ? bytes : INVALID;
  }

  #choice(choices: readonly Buffer[], at: number, end: number): number {
    return choiceOf(this.#bytes, choices, at + 1, end - 1, this.#scanner.hasEscape);
  }
}

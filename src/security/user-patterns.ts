/**
 * The users that an access covers: exact names, and prefixes (`till3:*`). A name is compared as its bytes of UTF-8 lie
 * in the read buffer, and nothing is allocated for it: it may be asked for every event.
 *
 * Patterns are sorted, and those that a prefix covers anyway are left out. So a name is covered only by the last
 * pattern that is not behind it: whatever lay between a prefix and a name that begins with it would begin with it too.
 * That makes one binary search, however many patterns there are.
 */
import { USER_BYTES_MAX } from '../protocol/limits.ts';
import { quoted } from './security-error.ts';

const EVERY = '*';

interface Pattern {
  bytes: Buffer;
  isPrefix: boolean;
}

export class UserPatterns {
  /** The patterns, one behind the other. */
  readonly #bytes: Buffer;
  /** Where each begins in them; one more says where the last one ends. */
  readonly #starts: Uint32Array;
  /** 1 for a prefix, 0 for a name. */
  readonly #isPrefix: Uint8Array;

  private constructor(patterns: readonly Pattern[]) {
    this.#bytes = Buffer.concat(patterns.map(({ bytes }) => bytes));
    this.#isPrefix = Uint8Array.from(patterns, ({ isPrefix }) => (isPrefix ? 1 : 0));
    this.#starts = new Uint32Array(patterns.length + 1);
    patterns.forEach(({ bytes }, index) => {
      this.#starts[index + 1] = this.#starts[index]! + bytes.length;
    });
  }

  /**
   * Names, prefixes with a `*` behind them, or `*` alone, which is every user: then it is undefined. No pattern is no
   * user. Throws a `PatternError`.
   */
  static of(texts: readonly string[]): UserPatterns | undefined {
    const sorted = texts.map(patternOf).sort(inOrder);
    if (sorted[0]?.isPrefix && sorted[0].bytes.length === 0) return undefined;
    const kept: Pattern[] = [];
    for (const pattern of sorted) {
      const last = kept.at(-1);
      const isCovered = last?.isPrefix && startsWith(pattern.bytes, last.bytes);
      const isTwin = last?.bytes.equals(pattern.bytes);
      if (!isCovered && !isTwin) kept.push(pattern);
    }
    return new UserPatterns(kept);
  }

  /** Whether the name of `length` bytes at `at` is covered. */
  has(bytes: Uint8Array, at: number, length: number): boolean {
    // Of the patterns, `low` are not behind the name, and those from `high` on are.
    let low = 0;
    let high = this.#isPrefix.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#isBehind(middle, bytes, at, length)) high = middle;
      else low = middle + 1;
    }
    if (low === 0) return false;
    const patternLength = this.#starts[low]! - this.#starts[low - 1]!;
    if (this.#isPrefix[low - 1] === 0 && patternLength !== length) return false;
    return this.#common(low - 1, bytes, at, length) === patternLength;
  }

  /** Whether they cover the same users. */
  equals(other: UserPatterns): boolean {
    return (
      this.#bytes.equals(other.#bytes) &&
      Buffer.from(this.#starts.buffer).equals(Buffer.from(other.#starts.buffer)) &&
      Buffer.from(this.#isPrefix.buffer).equals(Buffer.from(other.#isPrefix.buffer))
    );
  }

  /** In the order of bytes, where a name is before any that goes on behind it. */
  #isBehind(pattern: number, bytes: Uint8Array, at: number, length: number): boolean {
    const start = this.#starts[pattern]!;
    const common = this.#common(pattern, bytes, at, length);
    if (common === this.#starts[pattern + 1]! - start) return false;
    return common === length || this.#bytes[start + common]! > bytes[at + common]!;
  }

  /** How many bytes of a pattern and of a name are the same. */
  #common(pattern: number, bytes: Uint8Array, at: number, length: number): number {
    const start = this.#starts[pattern]!;
    const most = Math.min(length, this.#starts[pattern + 1]! - start);
    let common = 0;
    while (common < most && this.#bytes[start + common] === bytes[at + common]) common += 1;
    return common;
  }
}

/** Why a text can't be a pattern; undefined if it can. */
export function patternMistake(text: string): string | undefined {
  const name = nameIn(text);
  if (text === '') return 'a user has an empty name';
  if (name.includes(EVERY))
    return `${quoted(text)} has a * that is not at its end; only there it stands for any rest`;
  // UTF-8 has no bytes for half a character.
  if (/\p{Cs}/u.test(name)) return `${quoted(text)} is no Unicode text`;
  const bytes = Buffer.byteLength(name);
  if (bytes > USER_BYTES_MAX)
    return `${quoted(text)} has ${bytes} bytes; a user's name has ${USER_BYTES_MAX} at most`;
  return undefined;
}

function patternOf(text: string): Pattern {
  const mistake = patternMistake(text);
  if (mistake !== undefined) throw new RangeError(mistake);
  return { bytes: Buffer.from(nameIn(text)), isPrefix: text.endsWith(EVERY) };
}

function nameIn(text: string): string {
  return text.endsWith(EVERY) ? text.slice(0, -1) : text;
}

/** A prefix before a name of the same bytes, which it covers. */
function inOrder(one: Pattern, other: Pattern): number {
  return one.bytes.compare(other.bytes) || Number(other.isPrefix) - Number(one.isPrefix);
}

function startsWith(bytes: Buffer, prefix: Buffer): boolean {
  return bytes.subarray(0, prefix.length).equals(prefix);
}

/**
 * The file of tokens: who may do what, a JSON object a line. Empty lines, and lines that start with #, are for people.
 *
 *     {"name":"till-3","sha256":"…","may":["write","read"],"users":["till3:*"],"expires":"2027-01-01T00:00:00Z"}
 *     {"name":"till-4","certificate":"till-4.shop.example","may":["write"],"users":["till4:*"]}
 *
 * It says who is let in, so it is read strictly: a key that is unknown or stands twice, a right that does not exist, a
 * name used twice are mistakes, and one mistake refuses the file as a whole.
 */
import { type Access, isRightName, RIGHT_NAMES, type RightName, rightsOf } from './access.ts';
import { FOREIGN_NAME_BYTES_MAX, NAME_BYTES_MAX, nameMistake } from './holder-name.ts';
import { momentText, readMoment } from './moments.ts';
import { repeatedKey } from './repeated-key.ts';
import { quoted, quotedWord, SecurityError } from './security-error.ts';
import { inTurns } from './turns.ts';
import { patternMistake, UserPatterns } from './user-patterns.ts';

/** What is wrong with a file of tokens, and in which line. No hash and no token is in the message. */
export class TokenFileError extends SecurityError {}

/** What an entry says, as it is written. */
export interface Grant {
  readonly name: string;
  /** One of the two is there: the SHA-256 of a token in 64 hex digits, or the name in a client's certificate. */
  readonly sha256?: string | undefined;
  readonly certificate?: string | undefined;
  readonly may: readonly RightName[];
  /** Patterns. None: no user; `*`: every user. */
  readonly users: readonly string[];
  /** Milliseconds since 1970; Infinity: never. */
  readonly expiresAtMs: number;
}

export interface TokenEntry extends Grant {
  /** Where it stands, from 1. */
  readonly line: number;
  readonly access: Access;
}

const KEYS = ['name', 'sha256', 'certificate', 'may', 'users', 'expires'];
const HASH = /^[0-9a-f]{64}$/i;

/** All entries, in the order of their lines. Throws a `TokenFileError`: `line 3: …`. */
export function parseTokens(text: string): TokenEntry[] {
  const parsing = new Parsing();
  for (const line of text.split('\n')) parsing.add(line);
  return parsing.entries;
}

/** The same, with pauses. */
export async function parseTokensInTurns(text: string): Promise<TokenEntry[]> {
  const parsing = new Parsing();
  await inTurns(text.split('\n'), line => parsing.add(line));
  return parsing.entries;
}

/** An entry as a line, without its end. */
export function lineOf({ name, sha256, certificate, may, users, expiresAtMs }: Grant): string {
  const expires = expiresAtMs === Infinity ? undefined : momentText(expiresAtMs);
  return JSON.stringify({ name, sha256, certificate, may, users, expires });
}

function accessOf({ name, sha256, certificate, may, users, expiresAtMs }: Grant): Access {
  return {
    name: certificate === undefined ? `token ${name}` : `certificate ${certificate}`,
    rights: rightsOf(may),
    users: UserPatterns.of(users),
    expiresAtMs,
    proof: certificate === undefined ? `token ${sha256}` : `certificate ${certificate}`,
  };
}

class Parsing {
  readonly entries: TokenEntry[] = [];
  /** In which lines names, hashes and certificates stand. */
  readonly #names = new Map<string, number>();
  readonly #hashes = new Map<string, number>();
  readonly #certificates = new Map<string, number>();
  #line = 0;

  add(text: string): void {
    this.#line += 1;
    const trimmed = text.trim();
    if (trimmed === '' || trimmed.startsWith('#')) return;
    const entry = this.#entryOf(this.#objectIn(trimmed));
    this.#takeOnce(this.#names, entry.name, `the name ${quoted(entry.name)} is`);
    this.#takeOnce(this.#hashes, entry.sha256, 'the same sha256 is');
    this.#takeOnce(
      this.#certificates,
      entry.certificate,
      `the certificate ${quotedOr(entry.certificate)} is`,
    );
    this.entries.push(entry);
  }

  /** The value of `JSON.parse` is not in the message of its error, which would quote it. */
  #objectIn(text: string): Record<string, unknown> {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      this.#fail('is not JSON');
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) this.#fail('is not an object');
    const repeated = repeatedKey(text);
    if (repeated !== undefined) this.#fail(`has the key ${quotedWord(repeated)} twice`);
    const unknown = Object.keys(value).find(key => !KEYS.includes(key));
    if (unknown !== undefined)
      this.#fail(`has the unknown key ${quotedWord(unknown)}; there are ${KEYS.join(', ')}`);
    return value as Record<string, unknown>;
  }

  #entryOf(value: Record<string, unknown>): TokenEntry {
    const name = this.#nameIn(value, 'name', NAME_BYTES_MAX);
    const sha256 = value.sha256 === undefined ? undefined : this.#hashIn(value.sha256);
    const certificate =
      value.certificate === undefined
        ? undefined
        : this.#nameIn(value, 'certificate', FOREIGN_NAME_BYTES_MAX);
    if ((sha256 === undefined) === (certificate === undefined))
      this.#fail('has to have a sha256 or a certificate, and not both');
    const grant: Grant = {
      name,
      sha256,
      certificate,
      may: this.#rightsIn(value.may),
      users: this.#usersIn(value.users),
      expiresAtMs: value.expires === undefined ? Infinity : this.#momentIn(value.expires),
    };
    return { ...grant, line: this.#line, access: accessOf(grant) };
  }

  #nameIn(value: Record<string, unknown>, key: 'name' | 'certificate', bytesMax: number): string {
    if (value[key] === undefined) this.#fail(`has no ${key}`);
    const mistake = nameMistake(value[key], bytesMax);
    if (mistake !== undefined) this.#fail(`its ${key} ${mistake}`);
    return value[key] as string;
  }

  #hashIn(value: unknown): string {
    if (typeof value !== 'string' || !HASH.test(value))
      this.#fail(
        `its sha256 is not 64 hex digits${typeof value === 'string' ? `, but ${value.length}` : ''}`,
      );
    return value.toLowerCase();
  }

  #rightsIn(value: unknown): RightName[] {
    if (!Array.isArray(value) || value.length === 0)
      this.#fail(`its may is not a list of rights: ${RIGHT_NAMES.join(', ')}`);
    const unknown = value.find(name => !isRightName(name)) as unknown;
    if (unknown !== undefined) {
      const what = typeof unknown === 'string' ? quotedWord(unknown) : typeof unknown;
      this.#fail(`has the unknown right ${what}; there are ${RIGHT_NAMES.join(', ')}`);
    }
    return value as RightName[];
  }

  #usersIn(value: unknown): string[] {
    if (!Array.isArray(value) || !value.every(user => typeof user === 'string'))
      this.#fail('its users are not a list of names and prefixes, such as ["till3:*"]; ["*"] is every user');
    const mistake = value.map(patternMistake).find(each => each !== undefined);
    if (mistake !== undefined) this.#fail(`users: ${mistake}`);
    return value;
  }

  #momentIn(value: unknown): number {
    const timeMs = typeof value === 'string' ? readMoment(value) : undefined;
    if (timeMs === undefined) this.#fail('its expires is no time, such as "2027-01-01T00:00:00Z"');
    return timeMs;
  }

  #takeOnce(lines: Map<string, number>, key: string | undefined, what: string): void {
    if (key === undefined) return;
    const before = lines.get(key);
    if (before !== undefined) this.#fail(`${what} in line ${before} already`);
    lines.set(key, this.#line);
  }

  #fail(what: string): never {
    throw new TokenFileError(`line ${this.#line}: ${what}`);
  }
}

const quotedOr = (text = '') => quoted(text);

/**
 * Who is let in: the tokens, certificates and keys that are in force now. The server asks it once when a client says who
 * it is, and again for each client after a reload.
 *
 * A reload is in two parts. The first reads everything, and fails with a message if anything is wrong: then what was in
 * force stays so. The second only puts the new in the place of the old.
 */
import type { EntriesRead, FilesRead } from '../config/files-read.ts';
import { type Access, isSameAccess } from './access.ts';
import type { JwtVerifier } from './jwt.ts';
import { type OnRefused, Refusal } from './refusal.ts';
import { SecurityError } from './security-error.ts';
import { named, readSmallFile } from './small-file.ts';
import { isToken, TOKEN_PREFIX } from './token.ts';
import { TokenBook } from './token-book.ts';
import { parseTokensInTurns } from './token-file.ts';
import { inTurns } from './turns.ts';

export interface AuthoritySettings {
  /** The file of tokens; empty: none. */
  readonly tokens: string;
  /** The file of the keys that JWTs are signed with; empty: no JWTs. */
  readonly jwtKeys: string;
  /** What a JWT must have in `aud` and `iss`. Required with `jwtKeys`. */
  readonly jwtAudience: string;
  readonly jwtIssuer: string;
}

/** Longer ones are not looked at. */
export const TOKEN_CHARACTERS_MAX = 8_192;
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

export class Authority {
  #book = new TokenBook();
  #jwt: JwtVerifier | undefined;

  private constructor() {}

  /** Reads the files. Throws a `SecurityError` that says what is wrong with which. */
  static async open(settings: AuthoritySettings): Promise<Authority> {
    const authority = new Authority();
    const apply = await authority.prepare(settings);
    apply();
    return authority;
  }

  /**
   * Reads everything anew, and changes nothing; the function that is returned puts it in force. Throws like `open`. What
   * is new, against what is in force, is written into `files`.
   */
  async prepare(
    { tokens, jwtKeys, jwtAudience, jwtIssuer }: AuthoritySettings,
    files: FilesRead = {},
  ): Promise<() => void> {
    const book = tokens === '' ? new TokenBook() : await ofFlag('--tokens', () => bookIn(tokens));
    const jwt =
      jwtKeys === ''
        ? undefined
        : await ofFlag('--jwt-keys', () => verifierOf(jwtKeys, { audience: jwtAudience, issuer: jwtIssuer }));
    if (tokens !== '') files.tokens = await bookCompared(this.#book, book);
    if (jwt !== undefined) files['jwt-keys'] = keysCompared(this.#jwt?.keys ?? new Set(), jwt.keys);
    return () => {
      this.#book = book;
      this.#jwt = jwt;
    };
  }

  /** Whatever is presented, nobody is let in. */
  get isEmpty(): boolean {
    return this.#jwt === undefined && this.#book.isEmpty;
  }

  /**
   * Who presents this token or JWT; undefined if nobody, and then `onRefused` is told why. A promise only for what has
   * the form of a JWT; it never rejects.
   */
  check(
    token: string,
    onRefused: OnRefused = () => {},
    nowMs = Date.now(),
  ): Access | undefined | Promise<Access | undefined> {
    if (isToken(token)) return inForce(this.#book.ofToken(token), Refusal.unknownToken, onRefused, nowMs);
    const isJwt = token.length <= TOKEN_CHARACTERS_MAX && !token.startsWith(TOKEN_PREFIX) && JWT.test(token);
    if (isJwt && this.#jwt !== undefined) return this.#ofJwt(this.#jwt, token, onRefused, nowMs);
    onRefused(isJwt ? Refusal.noJwtKeys : Refusal.noToken);
    return undefined;
  }

  async #ofJwt(
    jwt: JwtVerifier,
    token: string,
    onRefused: OnRefused,
    nowMs: number,
  ): Promise<Access | undefined> {
    const access = await jwt.verify(token, onRefused, nowMs);
    // Meanwhile a reload may have taken the key away.
    if (access === undefined || this.#jwt?.holds(access.proof)) return access;
    onRefused(Refusal.unknownKey);
    return undefined;
  }

  /** Who has a certificate that TLS has found to be valid, by its CN or by a DNS name of it. */
  ofCertificate(name: string, onRefused: OnRefused = () => {}, nowMs = Date.now()): Access | undefined {
    return inForce(this.#book.ofCertificate(name), Refusal.unknownCertificate, onRefused, nowMs);
  }

  /** The same by all names of one: the first that has an entry in force counts. */
  ofCertificates(names: readonly string[], onRefused: OnRefused, nowMs = Date.now()): Access | undefined {
    let why: Refusal = Refusal.unknownCertificate;
    const note = (refusal: Refusal) => {
      if (refusal !== Refusal.unknownCertificate) why = refusal;
    };
    for (const name of names) {
      const access = this.ofCertificate(name, note, nowMs);
      if (access !== undefined) return access;
    }
    onRefused(why);
    return undefined;
  }

  /**
   * What is left of an access: undefined if it has expired, or what it rests on is gone; another one if its rights,
   * users or expiry have changed.
   */
  stillHolds(access: Access, nowMs: number): Access | undefined {
    const now = this.#jwt?.holds(access.proof) ? access : this.#book.ofProof(access.proof);
    return inForce(now, Refusal.unknownToken, () => {}, nowMs);
  }
}

function inForce(
  access: Access | undefined,
  unknown: Refusal,
  onRefused: OnRefused,
  nowMs: number,
): Access | undefined {
  if (access !== undefined && access.expiresAtMs > nowMs) return access;
  onRefused(access === undefined ? unknown : Refusal.expired);
  return undefined;
}

async function bookIn(path: string): Promise<TokenBook> {
  const { text } = await readSmallFile(path);
  const book = new TokenBook();
  await inTurns(await orNamed(path, () => parseTokensInTurns(text)), entry => book.add(entry));
  return book;
}

async function bookCompared({ all: before }: TokenBook, { all: now }: TokenBook): Promise<EntriesRead> {
  let [kept, changed] = [0, 0];
  await inTurns([...now.values()], access => {
    const old = before.get(access.proof);
    if (old === undefined) return;
    kept += 1;
    if (!isSameAccess(old, access)) changed += 1;
  });
  return { entries: now.size, added: now.size - kept, removed: before.size - kept, changed };
}

function keysCompared(before: ReadonlySet<string>, now: ReadonlySet<string>): EntriesRead {
  const kept = [...now].filter(key => before.has(key)).length;
  return { entries: now.size, added: now.size - kept, removed: before.size - kept, changed: 0 };
}

async function verifierOf(
  path: string,
  settings: { audience: string; issuer: string },
): Promise<JwtVerifier> {
  const { text } = await readSmallFile(path);
  const { JwtVerifier } = await import('./jwt.ts');
  return await orNamed(path, () => JwtVerifier.open(text, settings));
}

/** A mistake in a file, with the setting that names it. */
async function ofFlag<Value>(flag: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw new SecurityError(`${flag} ${(error as Error).message}`, { cause: error });
  }
}

/** A mistake in a file, with its name. */
async function orNamed<Value>(path: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw new SecurityError(`${named(path)}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * The entries of the file of tokens, as they are looked up.
 *
 * What is looked up is the SHA-256 of what was presented, never the text itself, and so the time it takes tells nothing
 * about how much of a token was right: two tokens that differ in one character have hashes that have nothing in common.
 * A map finds who has the same first 64 bits of the hash, mostly nobody; the whole hash is then compared in constant
 * time. All that a stranger could measure is whether the first bits of a hash that he knows anyway are among those that
 * are kept, and not even a whole hash leads to a token. (To compare with each entry in turn would tell no less, and every
 * wrong token of a flood would cost a server with thousands of entries a millisecond.) `npm run bench -- micro-tokens`
 * measures it.
 */
import { timingSafeEqual } from 'node:crypto';
import type { Access } from './access.ts';
import { hashOfToken, isToken } from './token.ts';
import type { TokenEntry } from './token-file.ts';

interface Kept {
  hash: Buffer;
  access: Access;
}

const START_DIGITS = 16;
const NONE: readonly Kept[] = [];

export class TokenBook {
  readonly #byStart = new Map<string, Kept[]>();
  readonly #byCertificate = new Map<string, Access>();
  readonly #byProof = new Map<string, Access>();

  constructor(entries: readonly TokenEntry[] = []) {
    for (const entry of entries) this.add(entry);
  }

  add({ sha256, certificate, access }: TokenEntry): void {
    if (sha256 !== undefined) this.#keep(sha256, access);
    if (certificate !== undefined) this.#byCertificate.set(certificate, access);
    this.#byProof.set(access.proof, access);
  }

  /** None of these looks at the time: what is returned may have expired. */
  ofToken(token: string): Access | undefined {
    if (!isToken(token)) return undefined;
    const digits = hashOfToken(token);
    const hash = Buffer.from(digits, 'hex');
    let found: Access | undefined;
    for (const kept of this.#byStart.get(digits.slice(0, START_DIGITS)) ?? NONE)
      if (timingSafeEqual(kept.hash, hash)) found = kept.access;
    return found;
  }

  /** Of a certificate that TLS has found to be valid: by its CN, or a DNS name of it, letter for letter. */
  ofCertificate(name: string): Access | undefined {
    return this.#byCertificate.get(name);
  }

  ofProof(proof: string): Access | undefined {
    return this.#byProof.get(proof);
  }

  /** By what they rest on. */
  get all(): ReadonlyMap<string, Access> {
    return this.#byProof;
  }

  get isEmpty(): boolean {
    return this.#byProof.size === 0;
  }

  #keep(sha256: string, access: Access): void {
    const start = sha256.slice(0, START_DIGITS);
    const kept = { hash: Buffer.from(sha256, 'hex'), access };
    const others = this.#byStart.get(start);
    if (others === undefined) this.#byStart.set(start, [kept]);
    else others.push(kept);
  }
}

/**
 * The entries of the file of tokens, as they are looked up.
 *
 * What is looked up is the SHA-256 of what was presented, never the text itself, and so the time it takes tells
 * nothing about how much of a token was right: two tokens that differ in one character have hashes that have nothing in
 * common. All a stranger could measure is how a hash that he knows anyway compares with those that are kept; and even a
 * whole hash leads to no token. The last comparison takes the same time all the same, because that costs nothing. (To
 * compare with each entry in turn would tell no less, and a flood of wrong tokens would then cost a server with
 * thousands of entries a millisecond for each.) `npm run bench -- micro-tokens` measures it.
 */
import { timingSafeEqual } from 'node:crypto';
import type { Access } from './access.ts';
import { hashOfToken, isToken } from './token.ts';
import type { TokenEntry } from './token-file.ts';

interface Kept {
  hash: Buffer;
  access: Access;
}

export class TokenBook {
  readonly #byHash = new Map<string, Kept>();
  readonly #byCertificate = new Map<string, Access>();
  readonly #byProof = new Map<string, Access>();

  constructor(entries: readonly TokenEntry[] = []) {
    for (const { sha256, certificate, access } of entries) {
      if (sha256 !== undefined) this.#byHash.set(sha256, { hash: Buffer.from(sha256, 'hex'), access });
      if (certificate !== undefined) this.#byCertificate.set(certificate, access);
      this.#byProof.set(access.proof, access);
    }
  }

  /** None of these looks at the time: what is returned may have expired. */
  ofToken(token: string): Access | undefined {
    if (!isToken(token)) return undefined;
    const sha256 = hashOfToken(token);
    const kept = this.#byHash.get(sha256);
    return kept !== undefined && timingSafeEqual(kept.hash, Buffer.from(sha256, 'hex'))
      ? kept.access
      : undefined;
  }

  /** Of a certificate that TLS has found to be valid: by its CN, or a DNS name of it, letter for letter. */
  ofCertificate(name: string): Access | undefined {
    return this.#byCertificate.get(name);
  }

  ofProof(proof: string): Access | undefined {
    return this.#byProof.get(proof);
  }
}

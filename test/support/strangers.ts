/** Who comes to a server that asks who they are: tokens, JWTs and certificates, and the files that know them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RightName } from '../../src/security/access.ts';
import { hashOfToken, newToken } from '../../src/security/token.ts';
import { type Grant, lineOf } from '../../src/security/token-file.ts';
import { AUDIENCE, claimsWith, edPair, ISSUER, jwtOf, pemOf } from '../security/signing.ts';
import { type Certificate, newCertificate } from './x509.ts';

const HOUR_S = 3_600;

export class Strangers {
  /** A token each. */
  readonly reader = newToken();
  readonly writer = newToken();
  readonly wrong = newToken();
  readonly authority = newCertificate('Test authority');
  /** Of the authority: with an entry that may read, one that may write, and without an entry. */
  readonly readingTill = newCertificate('reading.till', ['reading.till.example'], this.authority.issuer);
  readonly writingTill = newCertificate('writing.till', [], this.authority.issuer);
  readonly otherTill = newCertificate('other.till', [], this.authority.issuer);
  /** Of an authority that nobody knows. */
  readonly forged = newCertificate('reading.till', ['reading.till.example']);
  readonly #folder: string;
  readonly #jwtKeys = edPair();

  /** Writes the files into this folder. */
  constructor(folder: string) {
    this.#folder = folder;
    this.writeTokens(this.lines());
    this.#write('keys.pem', pemOf(this.#jwtKeys));
    this.#write('ca.pem', this.authority.cert);
    this.renew();
  }

  path(name: string): string {
    return join(this.#folder, name);
  }

  /** The entries of the file of tokens but for these. */
  lines(...without: string[]): string[] {
    const entry = (name: string, may: RightName[], more: Pick<Grant, 'sha256' | 'certificate'>) =>
      lineOf({ name, may, users: ['*'], expiresAtMs: Number.POSITIVE_INFINITY, ...more });
    const all: Record<string, string> = {
      reader: entry('reader', ['read'], { sha256: hashOfToken(this.reader) }),
      writer: entry('writer', ['write', 'transfer', 'admin'], { sha256: hashOfToken(this.writer) }),
      readingTill: entry('reading-till', ['read'], { certificate: 'reading.till.example' }),
      writingTill: entry('writing-till', ['write'], { certificate: 'writing.till' }),
    };
    return Object.entries(all).flatMap(([name, line]) => (without.includes(name) ? [] : [line]));
  }

  writeTokens(lines: string[]): void {
    this.#write('tokens.jsonl', lines.map(line => `${line}\n`).join(''));
  }

  /** Gives the server another certificate, in the same files. */
  renew(): Certificate {
    const server = newCertificate(
      'tally.test',
      ['tally.test', 'localhost', '127.0.0.1'],
      this.authority.issuer,
    );
    this.#write('cert.pem', server.cert);
    this.#write('key.pem', server.key);
    return server;
  }

  /** Signed by somebody else, if there is a pair of keys. */
  jwt(may: RightName[], by = this.#jwtKeys): string {
    const exp = Math.floor(Date.now() / 1_000) + HOUR_S;
    return jwtOf(by, { alg: 'EdDSA' }, claimsWith({ exp, tally_may: may }));
  }

  get tokenFlags(): string[] {
    const jwt = ['--jwt-keys', this.path('keys.pem'), '--jwt-audience', AUDIENCE, '--jwt-issuer', ISSUER];
    return ['--tokens', this.path('tokens.jsonl'), ...jwt];
  }

  get tlsFlags(): string[] {
    return ['--tls-cert', this.path('cert.pem'), '--tls-key', this.path('key.pem')];
  }

  get clientFlags(): string[] {
    return ['--tls-client-ca', this.path('ca.pem')];
  }

  #write(name: string, text: string): void {
    writeFileSync(this.path(name), text, { mode: 0o600 });
  }
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
export const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

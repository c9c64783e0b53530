/**
 * A token: 256 random bits, behind a prefix by which people and scanners of leaked secrets know it. Who has it is
 * somebody; only its SHA-256 is kept.
 *
 * A plain hash is enough. Slow and salted ones are for passwords, of which there are few enough to try them all; nobody
 * tries 2^256 tokens. So a text of another form is not even looked up: there is no way to a weak token.
 */
import { hash, randomBytes } from 'node:crypto';

export const TOKEN_PREFIX = 'tally_';

const TOKEN_BYTES = 32;
const TOKEN = /^tally_[\w-]{43}$/;

export function newToken(): string {
  return TOKEN_PREFIX + randomBytes(TOKEN_BYTES).toString('base64url');
}

/** Whether it has the form of a token. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** The SHA-256, as 64 hex digits in small letters. */
export function hashOfToken(token: string): string {
  return hash('sha256', token, 'hex');
}

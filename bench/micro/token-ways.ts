/** Two ways to tell whether a token is the right one: the server's, and one that its time gives away. */
import { hashOfToken, newToken } from '../../src/security/token.ts';
import { TokenBook } from '../../src/security/token-book.ts';
import { type Grant, lineOf, parseTokens } from '../../src/security/token-file.ts';

export type IsRight = (token: string) => boolean;

/** The server's look-up among so many others. */
export function bookWith(right: string, entries: number): IsRight {
  const tokens = [right, ...Array.from({ length: entries - 1 }, newToken)];
  const grants = tokens.map<Grant>((token, at) => ({
    name: `till-${at}`,
    sha256: hashOfToken(token),
    may: ['write'],
    users: [`till${at}:*`],
    expiresAtMs: Infinity,
  }));
  const book = new TokenBook(parseTokens(grants.map(lineOf).join('\n')));
  return token => book.ofToken(token) !== undefined;
}

/** It stops at the first character that is wrong. */
export function loopThatStops(right: string): IsRight {
  return token => {
    for (let at = 0; at < right.length; at += 1) if (token[at] !== right[at]) return false;
    return token.length === right.length;
  };
}

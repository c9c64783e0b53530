/** Files of tokens, for servers that ask who their clients are. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { RightName } from '../../src/security/access.ts';
import { hashOfToken, newToken } from '../../src/security/token.ts';
import { lineOf } from '../../src/security/token-file.ts';

/** What somebody may do, and for which users; for all, if that is left out. */
export interface Entry {
  may: RightName[];
  users?: string[];
}

/**
 * Writes the file anew, and returns the token of each by its name: `ops` has that of `token ops`. Those of `kept` are not
 * drawn anew.
 */
export function writeTokens<Name extends string>(
  path: string,
  entries: Record<Name, Entry>,
  kept: Readonly<Record<string, string>> = {},
): Record<Name, string> {
  const tokens = Object.keys(entries).map(name => [name, kept[name] ?? newToken()] as const);
  const lines = tokens.map(([name, token]) => {
    const { may, users = ['*'] } = entries[name as Name];
    return lineOf({ name, sha256: hashOfToken(token), may, users, expiresAtMs: Infinity });
  });
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 });
  return Object.fromEntries(tokens) as Record<Name, string>;
}

export const authLine = (token: string) => `{"type":"auth","token":"${token}"}\n`;

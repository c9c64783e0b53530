/** What `tally token list` prints of an entry: for people a row, for machines an object. Never a hash. */
import { columnsOf, padded } from '../../cli/terminal/drawing.ts';
import { withoutControls } from '../../cli/terminal/quoting.ts';
import { momentText } from '../moments.ts';
import type { TokenEntry } from '../token-file.ts';

const GAP = '   ';

/** A row for each, in columns. */
export function rowsOf(entries: readonly TokenEntry[], nowMs: number): string {
  const rows = entries.map(entry => [
    entry.name,
    entry.certificate === undefined ? 'token' : `certificate ${entry.certificate}`,
    entry.may.join(', '),
    usersText(entry),
    expiryText(entry, nowMs),
  ]);
  const widths = rows.reduce<number[]>(
    (most, row) => row.map((text, column) => Math.max(most[column] ?? 0, columnsOf(text))),
    [],
  );
  return rows
    .map(
      row =>
        `${row
          .map((text, column) => padded(text, widths[column]!))
          .join(GAP)
          .trimEnd()}\n`,
    )
    .join('');
}

export function jsonLinesOf(entries: readonly TokenEntry[], nowMs: number): string {
  return entries
    .map(({ name, certificate, may, users, expiresAtMs }) =>
      JSON.stringify({
        name,
        kind: certificate === undefined ? 'token' : 'certificate',
        certificate,
        may,
        users,
        expires: expiresAtMs === Infinity ? null : momentText(expiresAtMs),
        expired: expiresAtMs <= nowMs,
      }),
    )
    .map(line => `${line}\n`)
    .join('');
}

export function usersText({ users, access }: Pick<TokenEntry, 'users' | 'access'>): string {
  if (access.users === undefined) return 'every user';
  return users.length === 0 ? 'no user' : users.map(shown).join(', ');
}

function expiryText({ expiresAtMs }: TokenEntry, nowMs: number): string {
  if (expiresAtMs === Infinity) return 'never expires';
  return `${expiresAtMs <= nowMs ? 'expired' : 'until'} ${momentText(expiresAtMs)}`;
}

/** A user's name may hold anything: what a terminal would not show as it is, is written as in JSON. */
function shown(user: string): string {
  return /^[ "]|[\p{C},]|\s$/u.test(user) ? withoutControls(JSON.stringify(user)) : user;
}

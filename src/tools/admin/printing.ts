/** What `tally admin` prints of lists: for people rows, for machines an object a line. */
import { columnsOf, padded } from '../../cli/terminal/drawing.ts';
import { count, duration } from '../../cli/terminal/numbers.ts';
import { withoutControls } from '../../cli/terminal/quoting.ts';
import type { Connection, User } from './asking.ts';

const GAP = '   ';

/** Each page has its own width: rows are printed as they come. */
export function userRows(users: readonly User[]): string {
  return rowsOf(
    users.map(({ user, balance }) => [count(balance), shown(user)]),
    [true, false],
  );
}

export function connectionRows(connections: readonly Connection[]): string {
  return rowsOf(
    connections.map(({ client, address, name, since_ms: ms }) => [
      String(client),
      address === '' ? 'a Unix socket' : shown(address),
      name === undefined ? 'has not said who it is' : shown(name),
      `for ${duration(ms)}`,
    ]),
    [true, false, false, false],
  );
}

export function jsonLines(entries: readonly object[]): string {
  return entries.map(entry => `${JSON.stringify(entry)}\n`).join('');
}

function rowsOf(rows: readonly string[][], isRight: readonly boolean[]): string {
  const widths = isRight.map((_, column) => Math.max(0, ...rows.map(row => columnsOf(row[column]!))));
  return rows
    .map(row => {
      const cells = row.map((text, column) =>
        isRight[column] ? text.padStart(widths[column]!) : padded(text, widths[column]!),
      );
      return `${cells.join(GAP).trimEnd()}\n`;
    })
    .join('');
}

/** A name may hold anything: what a terminal would not show as it is, is written as in JSON. */
export function shown(name: string): string {
  return /^[ "]|\p{C}|\s$/u.test(name) ? withoutControls(JSON.stringify(name)) : name;
}

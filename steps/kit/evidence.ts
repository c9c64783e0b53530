/** The figures of a witness as a table for readers. Programs get them under their names, by `--json`. */
import { decimal } from '../../src/cli/terminal/numbers.ts';
import type { Evidence } from './witnesses/witness.ts';

const UNITS: Readonly<Record<string, string>> = {
  ms: ' ms',
  us: ' µs',
  mib: ' MiB',
  pers: ' a second',
  percent: ' %',
};
const UNIT = /(?:Ms|Us|MiB|[Pp]erS|Percent)(?=[A-Z]|$)/;

export function evidenceTable(evidence: Evidence): string {
  const rows = Object.entries(evidence).map(
    ([name, value]) => [labelText(name), valueText(name, value)] as const,
  );
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => `    ${label.padEnd(width)}  ${value}\n`).join('');
}

/** Several of them side by side; a figure that one does not have is left out there. */
export function evidenceColumns(columns: readonly { name: string; evidence: Evidence }[]): string {
  const names = [...new Set(columns.flatMap(({ evidence }) => Object.keys(evidence)))];
  const rows = [
    ['', ...columns.map(({ name }) => name)],
    ...names.map(name => [
      labelText(name),
      ...columns.map(({ evidence }) => (name in evidence ? valueText(name, evidence[name]!) : '')),
    ]),
  ];
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map(row => row[at]!.length)));
  const line = (row: readonly string[]) =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[at]!))).join('  ');
  return rows.map(row => `    ${line(row)}`.trimEnd().concat('\n')).join('');
}

/** `healthP99Ms` is `health p99`, `perSWith8` is `with 8`, `isBounded` is `bounded`. */
function labelText(name: string): string {
  return name
    .replace(UNIT, '')
    .replace(/^(?:is|has)(?=[A-Z])/, '')
    .replace(/(?<=[a-z])(?=[A-Z\d])/g, ' ')
    .toLowerCase();
}

function valueText(name: string, value: number | string | boolean): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return `${decimal(value)}${UNITS[UNIT.exec(name)?.[0].toLowerCase() ?? ''] ?? ''}`;
}

/** The figures of a witness as a table for readers. Programs get them under their names, by `--json`. */
import { decimal } from '../../src/cli/terminal/numbers.ts';
import type { Evidence } from './witnesses/witness.ts';

const UNITS: Readonly<Record<string, string>> = { ms: ' ms', us: ' µs', mib: ' MiB', pers: ' a second' };
const UNIT = /(?:Ms|Us|MiB|[Pp]erS)(?=[A-Z]|$)/;

export function evidenceTable(evidence: Evidence): string {
  const rows = Object.entries(evidence).map(
    ([name, value]) => [labelText(name), valueText(name, value)] as const,
  );
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => `    ${label.padEnd(width)}  ${value}\n`).join('');
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

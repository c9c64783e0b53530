/** The version of the package, as package.json has it. */
import { readFileSync } from 'node:fs';

export function version(): string {
  // The compiled file is one folder deeper.
  const up = import.meta.url.endsWith('.ts') ? '../../package.json' : '../../../package.json';
  return (JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as { version: string }).version;
}

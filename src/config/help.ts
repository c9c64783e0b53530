/**
 * The settings as `tally serve --help` lists them.
 */
import { flagOf, KEYS, SETTINGS } from './settings.ts';

/** The rows of `tally serve --help`, group by group. */
export function describeSettings(): string {
  const rows: string[] = [];
  let group = '';
  for (const key of KEYS) {
    const setting = SETTINGS[key];
    if (setting.group !== group) {
      group = setting.group;
      rows.push('', `${group}:`);
    }
    const range =
      setting.is === 'integer' ? `${setting.min} to ${setting.max}, default ${setting.default}` : '';
    const choice = setting.is === 'choice' ? `${setting.choices.join(', ')}; default ${setting.default}` : '';
    const text = setting.is === 'text' ? `default ${setting.default || 'none'}` : '';
    const bounds = range || choice || text;
    const value = setting.is === 'integer' ? ' N' : setting.is === 'switch' ? '' : ' X';
    rows.push(`  ${(flagOf(key) + value).padEnd(23)} ${setting.help}${bounds === '' ? '' : ` (${bounds})`}`);
  }
  return rows.join('\n');
}

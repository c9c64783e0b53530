/** A file of all settings, from their table: as comments, so that it changes nothing until one is taken out. */
import type { Setting } from '../../config/setting.ts';
import { KEYS, nameOf, SETTINGS } from '../../config/settings.ts';
import { wrapped } from '../terminal/drawing.ts';

const COLUMNS = 100;

const HEAD = [
  'Settings of tally serve, with their defaults. To change one, take away the # before its name.',
  'A setting with a * is changed by a reload (SIGHUP); the others need a restart.',
  'tally config check FILE says what a file comes to, and tally config --help what it may say.',
];

export function exampleFile(): string {
  const lines = commented(HEAD);
  let group = '';
  for (const key of KEYS) {
    // A file names no other.
    if (key === 'config') continue;
    const setting = SETTINGS[key];
    if (setting.group !== group) {
      group = setting.group;
      lines.push('', '', `# ${group}`);
    }
    const mark = setting.mayChange ? '* ' : '';
    lines.push('', ...commented([`${mark}${setting.help}${boundsOf(setting)}`]));
    lines.push(`#${nameOf(key)} = ${valueIn(setting)}`);
  }
  return `${lines.join('\n')}\n`;
}

function commented(texts: string[]): string[] {
  return texts.flatMap(text => wrapped(text, COLUMNS, '# '));
}

function boundsOf(setting: Setting): string {
  if (setting.is === 'integer') return ` (${setting.min} to ${setting.max})`;
  if (setting.is === 'choice') return ` (${setting.choices.join(', ')})`;
  return setting.is === 'text' && setting.default === '' ? ' (default none)' : '';
}

/** As TOML writes it. */
function valueIn(setting: Setting): string {
  if (setting.is === 'text' && setting.default === '') return JSON.stringify(setting.example ?? '');
  return JSON.stringify(setting.default);
}

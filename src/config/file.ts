/**
 * Reads a file of settings: TOML, one key a setting, named as its flag. It is loaded only where a file is given.
 *
 * A mistake is one line that begins with its place, as compilers write it: `tally.toml:3: …`. The parser gives the place
 * of what is no TOML, but not that of a key. So what is valid is cut into its statements, which are read one by one.
 */
import { open, stat } from 'node:fs/promises';
import { parse, TomlError } from 'smol-toml';
import { orNearest } from '../cli/terminal/nearest.ts';
import { reasonOf } from '../cli/terminal/output.ts';
import { quote, quoteIfNeeded } from '../cli/terminal/quoting.ts';
import { ConfigError } from './config-error.ts';
import type { Setting } from './setting.ts';
import { KEYS, nameOf, SETTINGS, type Settings } from './settings.ts';
import { type FileValues, type Given, parseValue } from './sources.ts';
import { statementsIn } from './statements.ts';

const FILE_BYTES_MAX = 2 ** 20;
/** No path is longer. */
const CHARACTERS_MAX = 4_096;

/** Both forms of each name: `line-bytes-max` and `line_bytes_max`. */
const KEY_OF = new Map<string, keyof Settings>(
  KEYS.flatMap(key => [
    [nameOf(key), key],
    [nameOf(key).replaceAll('-', '_'), key],
  ]),
);

/** `source` is what named the file: `--config` or its variable. Throws a `ConfigError` of one line. */
export async function readSettingsFile(path: string, source: string): Promise<FileValues> {
  const shown = shownPath(path);
  let bytes: Uint8Array | string;
  try {
    bytes = await readBytes(path);
  } catch (error) {
    throw new ConfigError(`${source} ${shown}: ${reasonOf(error)}`);
  }
  if (typeof bytes === 'string') throw new ConfigError(`${source} ${shown} ${bytes}`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ConfigError(`${source} ${shown} is not UTF-8, as TOML has to be`);
  }
  return parseSettingsFile(text, shown);
}

/** The bytes, or why it can't be a file of settings. A pipe is none: it can't be read again. */
async function readBytes(path: string): Promise<Uint8Array | string> {
  // Asked first, since the opening of a pipe waits for its writer.
  if (!(await stat(path)).isFile()) return 'is not a file that can be read again';
  const file = await open(path);
  try {
    const bytes = Buffer.alloc(FILE_BYTES_MAX + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read)
      read = (await file.read(bytes, length, bytes.length - length)).bytesRead;
    return length > FILE_BYTES_MAX ? `has more than ${FILE_BYTES_MAX} bytes` : bytes.subarray(0, length);
  } finally {
    await file.close();
  }
}

/** `file` begins what is said about a mistake. Throws a `ConfigError` of one line. */
export function parseSettingsFile(text: string, file: string): FileValues {
  const given = new Map<keyof Settings, Given>();
  const lines = new Map<keyof Settings, { name: string; line: number }>();
  tableIn(text, file);
  for (const statement of statementsIn(text)) {
    const place = `${file}:${statement.line}`;
    if (statement.text.startsWith('['))
      throw new ConfigError(`${place}: ${quoteIfNeeded(firstLine(statement.text))} ${NO_TABLES}`);
    const [[name, value] = ['', undefined]] = Object.entries(tableIn(statement.text, file, statement.line));
    if (isTable(value)) throw new ConfigError(`${place}: ${quoteIfNeeded(name)} ${NO_TABLES}`);
    const key = keyOf(name, place);
    const before = lines.get(key);
    if (before !== undefined)
      throw new ConfigError(
        `${place}: ${name} is ${before.name}, which stands in line ${before.line} already`,
      );
    lines.set(key, { name, line: statement.line });
    given.set(key, { name, value: read(SETTINGS[key], `${place}: ${name}`, value), place });
  }
  return given;
}

const NO_TABLES = 'is a table; settings stand at the top level';

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!.trimEnd();
}

/** What the parser makes of a text. `line` is that of its first one. */
function tableIn(text: string, file: string, line = 1): Record<string, unknown> {
  try {
    return parse(text, { integersAsBigInt: true });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const what = firstLine(error.message).replace(/^Invalid TOML document: /, '');
    const bare = OF_BARE_VALUES.test(what) ? bareMistake(text.split('\n')[error.line - 1]!) : undefined;
    throw new ConfigError(`${file}:${line - 1 + error.line}:${error.column}: ${bare ?? what}`);
  }
}

function keyOf(name: string, place: string): keyof Settings {
  const key = KEY_OF.get(name);
  if (key === undefined) {
    const near = orNearest(name.replaceAll('_', '-'), KEYS.map(nameOf));
    throw new ConfigError(`${place}: ${quoteIfNeeded(name)} is no setting${near}`);
  }
  if (key === 'config')
    throw new ConfigError(`${place}: ${name} can't be given in a file: a file names no other`);
  return key;
}

/** The kinds of settings as TOML has them, and what is said where there is something else. */
const KINDS: Record<Setting['is'], { type: string; wanted: string }> = {
  integer: { type: 'bigint', wanted: 'a whole number, without quotes' },
  switch: { type: 'boolean', wanted: 'true or false, without quotes' },
  choice: { type: 'string', wanted: 'a text in quotes' },
  text: { type: 'string', wanted: 'a text in quotes' },
};

/** What the parser says of a value without quotes that is neither a number nor true or false. */
const OF_BARE_VALUES =
  /^(?:invalid value|illegal character in numeric|each key-value declaration must be followed)/;

/** What such a line should have; undefined: it is of no setting, or what is wrong is behind a value. */
function bareMistake(line: string): string | undefined {
  const [, name = ''] = /^\s*([\w-]+)\s*=(?!\s*["'[{])/.exec(line) ?? [];
  const key = KEY_OF.get(name);
  return key && `${name} takes ${KINDS[SETTINGS[key].is].wanted}`;
}

/** `name` has its place in front. Throws a `ConfigError`. */
function read(setting: Setting, name: string, value: unknown): Given['value'] {
  const { type, wanted } = KINDS[setting.is];
  const kind: string = typeof value;
  if (kind !== type) throw new ConfigError(`${name} ${kindOf(value)}; it takes ${wanted}`);
  if (typeof value === 'bigint' && BigInt.asIntN(64, value) !== value)
    throw new ConfigError(`${name} is a number of more than 64 bits`);
  const text = String(value);
  if (/\p{Cc}/u.test(text)) throw new ConfigError(`${name} has a control character in its text`);
  if (text.length > CHARACTERS_MAX)
    throw new ConfigError(`${name} has more than ${CHARACTERS_MAX} characters`);
  return parseValue(setting, name, text);
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'is a list';
  if (value instanceof Date) return 'is a date or a time';
  return typeof value === 'string' ? `is the text ${quote(value)}` : `is ${value}`;
}

/** A date is an object, too. */
function isTable(value: unknown): boolean {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date);
}

function shownPath(path: string): string {
  return /\p{Cc}/u.test(path) ? quoteIfNeeded(path, path.length) : path;
}

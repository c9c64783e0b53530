/**
 * Reads the values of settings from flags and environment variables. A flag overrides its variable, a variable what the
 * file of settings says (file.ts), and that the default. The variable of `--ring` is `TALLY_RING`.
 */
import { parseArgs } from 'node:util';
import { nearest, orNearest } from '../cli/terminal/nearest.ts';
import { joinNegatives } from '../cli/terminal/negatives.ts';
import { ConfigError } from './config-error.ts';
import type { Setting } from './setting.ts';
import { flagOf, KEYS, SETTINGS, type Settings, variableOf } from './settings.ts';

/** A value as it was given. */
export interface Given {
  /** The name it was given under: `--ring` or `TALLY_RING`, or `ring` in a file. */
  name: string;
  value: number | string | boolean;
  /** Where it stands in a file: `tally.toml:3`. */
  place?: string;
}

/** The settings of a file. */
export type FileValues = ReadonlyMap<keyof Settings, Given>;

/** The settings that were given. Throws a `ConfigError` about the first invalid one. */
export function readSources(
  args: string[],
  env: NodeJS.ProcessEnv,
  file: FileValues = new Map(),
): Map<keyof Settings, Given> {
  const flags = readFlags(args);
  const given = new Map(file);
  for (const key of KEYS) {
    const name = flags[key] === undefined ? variableOf(key) : flagOf(key);
    const text = flags[key] ?? env[name];
    if (text === undefined || (text === '' && flags[key] === undefined)) continue;
    given.set(key, { name, value: parseValue(SETTINGS[key], name, text) });
  }
  return given;
}

/** Of clients: a server that runs beside them has it, too. */
const OF_CLIENTS = ['TALLY_TOKEN'];

/** Variables that look like settings and are none, each with the name that may have been meant. */
export function unknownVariables(
  env: NodeJS.ProcessEnv,
): { variable: string; nearest: string | undefined }[] {
  const known = KEYS.map(variableOf);
  return Object.keys(env)
    .filter(name => name.startsWith('TALLY_') && env[name] !== '')
    .filter(name => !known.includes(name) && !OF_CLIENTS.includes(name))
    .map(variable => ({ variable, nearest: nearest(variable, known) }));
}

function readFlags(args: string[]): Partial<Record<keyof Settings, string>> {
  const options: Record<string, { type: 'string' | 'boolean' }> = {};
  for (const key of KEYS)
    options[flagOf(key).slice(2)] = { type: SETTINGS[key].is === 'switch' ? 'boolean' : 'string' };
  let values: Record<string, string | boolean | undefined>;
  try {
    values = parseArgs({ args: joinNegatives(args), options, allowPositionals: false })
      .values as typeof values;
  } catch (error) {
    throw new ConfigError(flagMistake(error));
  }
  const given: Partial<Record<keyof Settings, string>> = {};
  for (const key of KEYS) {
    const value = values[flagOf(key).slice(2)];
    if (value !== undefined) given[key] = String(value);
  }
  return given;
}

function flagMistake(error: unknown): string {
  const { code, message } = error as { code?: string; message: string };
  const named = /'(-[^' ]*)/.exec(message)?.[1] ?? '';
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION')
    return `unknown flag ${named}${orNearest(named, KEYS.map(flagOf))}; tally serve --help lists the flags`;
  if (code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL')
    return message.replace(/\. .*/, '').replace(/\.?$/, '; settings are given as --flag value');
  if (code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE')
    return /does not take/.test(message) ? `${named} takes no value` : `${named} needs a value`;
  return message;
}

/** A value from its text. Throws a `ConfigError` that gives it this name. */
export function parseValue(setting: Setting, name: string, text: string): number | string | boolean {
  switch (setting.is) {
    case 'integer': {
      const value = Number(text);
      if (!/^[+-]?\d+$/.test(text) || value < setting.min || value > setting.max) {
        throw new ConfigError(`${name} ${text} is not a whole number from ${setting.min} to ${setting.max}`);
      }
      return value;
    }
    case 'choice':
      if (!setting.choices.includes(text))
        throw new ConfigError(`${name} ${text} is not one of ${setting.choices.join(', ')}`);
      return text;
    case 'switch':
      if (!['true', 'false', '1', '0'].includes(text))
        throw new ConfigError(`${name} ${text} is neither true nor false`);
      return text === 'true' || text === '1';
    case 'text':
      if (text === '') throw new ConfigError(`${name} is empty; the default is ${setting.default || 'none'}`);
      return text;
  }
}

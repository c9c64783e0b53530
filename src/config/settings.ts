/**
 * Every setting of the server: its flag, its environment variable, its default, its range, and how it relates to
 * the others. What is wrong with a configuration is said in one line, before anything starts.
 *
 * A flag wins over its variable, a variable over the default. The variable of `--ring` is `TALLY_RING`.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { WorkKind } from '../engine/memory-layout.ts';
import { descriptorLimit, descriptorsKept } from './descriptors.ts';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';
export type LogFormat = 'auto' | 'text' | 'json';

export interface Config {
  host: string;
  port: number;
  http: number;
  workers: number;
  ring: number;
  users: number;
  workUs: number;
  work: WorkKind;
  firstSequence: number;
  lineBytesMax: number;
  connectionsMax: number;
  backlog: number;
  turnMsMax: number;
  unsentBytesMax: number;
  blockedMsMax: number;
  partialMsMax: number;
  idleMsMax: number;
  drainMsMin: number;
  drainMsMax: number;
  graceMsMax: number;
  joinMsMax: number;
  shutdownMsMax: number;
  debugRequests: boolean;
  logLevel: LogLevel;
  logFormat: LogFormat;
}

/** A configuration that can't be: exit code 2. */
export class ConfigError extends Error {}

interface IntegerSetting {
  is: 'integer';
  default: number;
  min: number;
  max: number;
  help: string;
}
interface ChoiceSetting {
  is: 'choice';
  default: string;
  choices: readonly string[];
  help: string;
}
interface TextSetting {
  is: 'text';
  default: string;
  help: string;
}
interface SwitchSetting {
  is: 'switch';
  default: boolean;
  help: string;
}
export type Setting = { group: string } & (IntegerSetting | ChoiceSetting | TextSetting | SwitchSetting);

const CONNECTIONS_DEFAULT = 10_000;

const integer = (group: string, def: number, min: number, max: number, help: string): Setting => ({
  group,
  is: 'integer',
  default: def,
  min,
  max,
  help,
});

const LISTEN = 'Where it listens';
const PIPELINE = 'The pipeline';
const LIMITS = 'Limits on clients';
const SHUTDOWN = 'The stages of the shutdown';
const OTHER = 'Other';

const workersDefault = Math.min(64, Math.max(1, availableParallelism() - 1));

export const SETTINGS: Record<keyof Config, Setting> = {
  host: {
    group: LISTEN,
    is: 'text',
    default: '127.0.0.1',
    help: 'address to listen on; the default is loopback only',
  },
  port: integer(LISTEN, 7878, 0, 65_535, 'port to listen on; 0 takes a free one and reports it'),
  http: integer(LISTEN, -1, -1, 65_535, 'port on 127.0.0.1 for a live page, metrics and probes; -1: none'),
  backlog: integer(LISTEN, 511, 1, 65_535, 'connections that may wait to be accepted'),
  workers: integer(
    PIPELINE,
    workersDefault,
    1,
    64,
    'worker threads; the default is one less than the cores, at least 1',
  ),
  ring: integer(PIPELINE, 65_536, 2, 2 ** 22, 'slots of the ring before each worker; a power of two'),
  users: integer(PIPELINE, 2 ** 20, 1, 2 ** 24, 'users at most; an event for one more is too_many_users'),
  workUs: integer(
    PIPELINE,
    0,
    0,
    10_000_000,
    'for experiments: what each event costs its worker, in microseconds',
  ),
  work: {
    group: PIPELINE,
    is: 'choice',
    default: 'cpu',
    choices: ['block', 'cpu'],
    help: 'for experiments: whether that cost is a wait or a spin',
  },
  firstSequence: integer(
    PIPELINE,
    0,
    0,
    2 ** 32 - 1,
    'for tests: where the sequences of the rings start; they wrap at 2^32',
  ),
  lineBytesMax: integer(LIMITS, 16_384, 512, 2 ** 20, 'bytes of a line; a longer one is line_too_long'),
  connectionsMax: integer(
    LIMITS,
    CONNECTIONS_DEFAULT,
    1,
    1_000_000,
    'connections at a time; further ones are closed and counted',
  ),
  turnMsMax: integer(
    LIMITS,
    2,
    1,
    1_000,
    'how long clients that send a lot are served in one turn of the event loop before others come first',
  ),
  unsentBytesMax: integer(
    LIMITS,
    65_536,
    16_384,
    2 ** 26,
    'bytes of replies a client may leave unread before the server stops reading from it',
  ),
  blockedMsMax: integer(
    LIMITS,
    10_000,
    10,
    86_400_000,
    'how long a client may leave that many replies unread before it is closed',
  ),
  partialMsMax: integer(
    LIMITS,
    30_000,
    10,
    86_400_000,
    'how long a line may take from its first byte to its end',
  ),
  idleMsMax: integer(LIMITS, 0, 0, 86_400_000, 'how long a connection may say nothing; 0: for ever'),
  drainMsMin: integer(
    SHUTDOWN,
    100,
    0,
    60_000,
    'how long clients that are connected hear shutting_down at least',
  ),
  drainMsMax: integer(SHUTDOWN, 6_000, 10, 3_600_000, 'how long the rings may take to empty'),
  graceMsMax: integer(
    SHUTDOWN,
    1_000,
    0,
    60_000,
    'how long clients have to read their last replies and close',
  ),
  joinMsMax: integer(SHUTDOWN, 500, 10, 60_000, 'how long the workers have to leave'),
  shutdownMsMax: integer(SHUTDOWN, 8_000, 50, 3_600_000, 'the whole shutdown, whatever happens'),
  debugRequests: {
    group: OTHER,
    is: 'switch',
    default: false,
    help: 'answer {"type":"debug",…}: freeze, thaw and kill workers',
  },
  logLevel: {
    group: OTHER,
    is: 'choice',
    default: 'info',
    choices: ['error', 'warn', 'info', 'debug'],
    help: 'how much is logged; never a line per event',
  },
  logFormat: {
    group: OTHER,
    is: 'choice',
    default: 'auto',
    choices: ['auto', 'text', 'json'],
    help: 'auto: text on a terminal, JSON lines elsewhere',
  },
};

const KEYS = Object.keys(SETTINGS) as (keyof Config)[];

export function flagOf(key: keyof Config): string {
  return `--${key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`;
}

export function variableOf(key: keyof Config): string {
  return `TALLY_${key.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()}`;
}

/** Reads flags and environment; throws a `ConfigError` that says what is wrong and what would be right. */
export function readConfig(
  args: string[],
  env: NodeJS.ProcessEnv,
  descriptorsMax = descriptorLimit(),
): Config {
  const given = readFlags(args);
  const from: Partial<Record<keyof Config, string>> = {};
  const config = {} as Record<keyof Config, unknown>;
  for (const key of KEYS) {
    const variable = env[variableOf(key)];
    const isVariable = given[key] === undefined && variable !== undefined && variable !== '';
    from[key] = isVariable ? variableOf(key) : flagOf(key);
    const text = isVariable ? variable : given[key];
    config[key] = text === undefined ? SETTINGS[key].default : parseValue(SETTINGS[key], from[key]!, text);
    if (text === undefined) delete from[key];
  }
  const read = config as unknown as Config;
  const room = descriptorsMax - descriptorsKept(read.workers, read.http >= 0);
  if (from.connectionsMax === undefined)
    read.connectionsMax = Math.max(1, Math.min(read.connectionsMax, room));
  checkRelations(read, name => from[name] ?? flagOf(name), room);
  return read;
}

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
    const text = setting.is === 'text' ? `default ${setting.default}` : '';
    const bounds = range || choice || text;
    const value = setting.is === 'integer' ? ' N' : setting.is === 'switch' ? '' : ' X';
    rows.push(`  ${(flagOf(key) + value).padEnd(23)} ${setting.help}${bounds === '' ? '' : ` (${bounds})`}`);
  }
  return rows.join('\n');
}

function readFlags(args: string[]): Partial<Record<keyof Config, string>> {
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
  const given: Partial<Record<keyof Config, string>> = {};
  for (const key of KEYS) {
    const value = values[flagOf(key).slice(2)];
    if (value !== undefined) given[key] = String(value);
  }
  return given;
}

/** `--port -1` reads as a flag `-1` to parseArgs; as `--port=-1` it is a value, and gets the clear message. */
function joinNegatives(args: string[]): string[] {
  const joined: string[] = [];
  for (const arg of args) {
    const last = joined.at(-1);
    if (/^-\d/.test(arg) && last?.startsWith('--') && !last.includes('='))
      joined[joined.length - 1] = `${last}=${arg}`;
    else joined.push(arg);
  }
  return joined;
}

function flagMistake(error: unknown): string {
  const { code, message } = error as { code?: string; message: string };
  const named = /'(-[^' ]*)/.exec(message)?.[1] ?? '';
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION')
    return `${named} is no flag of tally serve${nearest(named)}; tally serve --help lists them`;
  if (code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL')
    return message.replace(/\. .*/, '').replace(/\.?$/, '; settings are given as --flag value');
  if (code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE')
    return /does not take/.test(message) ? `${named} takes no value` : `${named} needs a value`;
  return message;
}

function nearest(flag: string): string {
  const candidates = KEYS.map(flagOf).filter(
    known => known.startsWith(flag) || (flag.length > 4 && known.includes(flag.slice(2))),
  );
  return candidates.length === 0 ? '' : ` (${candidates.join(' or ')}?)`;
}

function parseValue(setting: Setting, name: string, text: string): number | string | boolean {
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
        throw new ConfigError(`${name} ${text} is none of ${setting.choices.join(', ')}`);
      return text;
    case 'switch':
      if (!['true', 'false', '1', '0'].includes(text))
        throw new ConfigError(`${name} ${text} is neither true nor false`);
      return text === 'true' || text === '1';
    case 'text':
      if (text === '') throw new ConfigError(`${name} is empty; the default is ${setting.default}`);
      return text;
  }
}

function checkRelations(config: Config, name: (key: keyof Config) => string, connectionsRoom: number): void {
  const { ring, drainMsMin, drainMsMax, graceMsMax, joinMsMax, shutdownMsMax } = config;
  if ((ring & (ring - 1)) !== 0) {
    throw new ConfigError(
      `${name('ring')} ${ring} is not a power of two; the next is ${2 ** Math.ceil(Math.log2(ring))}`,
    );
  }
  if (config.connectionsMax > connectionsRoom) {
    throw new ConfigError(
      `${name('connectionsMax')} ${config.connectionsMax} needs more descriptors than this process may open; ` +
        `at most ${connectionsRoom}, or raise the limit (ulimit -n)`,
    );
  }
  if (config.http > 0 && config.http === config.port)
    throw new ConfigError(`${name('http')} ${config.http} is the port of the events; take another, or 0`);
  if (drainMsMin > drainMsMax) {
    throw new ConfigError(`${name('drainMsMin')} ${drainMsMin} is above ${name('drainMsMax')} ${drainMsMax}`);
  }
  const stages = drainMsMax + graceMsMax + joinMsMax;
  if (stages > shutdownMsMax) {
    throw new ConfigError(
      `the stages of the shutdown take up to ${stages} ms (${name('drainMsMax')} ${drainMsMax}, ${name('graceMsMax')} ` +
        `${graceMsMax}, ${name('joinMsMax')} ${joinMsMax}), more than ${name('shutdownMsMax')} ${shutdownMsMax}`,
    );
  }
}

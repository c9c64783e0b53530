/** The arguments of `tally admin`, read and checked, with one line for each mistake. */
import { readHost } from '../../cli/terminal/address.ts';
import { orNearest } from '../../cli/terminal/nearest.ts';
import { readCount } from '../../cli/terminal/numbers.ts';
import { listed } from '../../cli/terminal/prose.ts';
import { quoteIfNeeded } from '../../cli/terminal/quoting.ts';
import { readArgs, UsageError } from '../../cli/terminal/usage.ts';
import {
  CREDENTIAL_OPTIONS,
  type Credentials,
  readCredentials,
  refuseInClear,
  refuseTokenFlag,
} from '../harness/credentials.ts';
import type { Target } from '../harness/dialling.ts';

/** What is asked for; `limit` is how many in all. */
export type Act =
  | { do: 'users'; prefix: string; after: string; limit: number }
  | { do: 'connections'; after: number; limit: number }
  | { do: 'close'; client: number }
  | { do: 'log_level'; level: string }
  | { do: 'snapshot' };

export interface AdminOptions {
  act: Act;
  target: Target;
  credentials: Credentials;
  json: boolean;
}

const OPTIONS = {
  host: { type: 'string' },
  port: { type: 'string' },
  socket: { type: 'string' },
  prefix: { type: 'string' },
  after: { type: 'string' },
  limit: { type: 'string' },
  all: { type: 'boolean' },
  json: { type: 'boolean' },
  ...CREDENTIAL_OPTIONS,
} as const;

type Values = { [Name in keyof typeof OPTIONS]?: string | boolean | undefined };

/** The words that each takes, and the flags that are its own. */
const COMMANDS: Record<string, { word?: string; flags: readonly (keyof Values)[] }> = {
  users: { flags: ['prefix', 'after', 'limit', 'all'] },
  connections: { flags: ['after', 'limit', 'all'] },
  close: { word: 'N', flags: [] },
  'log-level': { word: 'LEVEL', flags: [] },
  snapshot: { flags: [] },
};
const OF_LISTS = ['prefix', 'after', 'limit', 'all'] as const;
const LEVELS = ['error', 'warn', 'info', 'debug'];
const LIMIT = 100;
const STANDARD = { host: '127.0.0.1', port: 7878 };

/** `warn` is told what is allowed, and may be a mistake. */
export function readOptions(
  args: string[],
  env: NodeJS.ProcessEnv,
  warn: (what: string) => void,
): AdminOptions {
  refuseTokenFlag(args);
  const { values, positionals } = readArgs('admin', args, OPTIONS);
  const [name, word, more] = positionals;
  const command = name === undefined ? undefined : COMMANDS[name];
  if (name === undefined || command === undefined || !Object.hasOwn(COMMANDS, name))
    throw new UsageError(
      name === undefined
        ? `${listed(Object.keys(COMMANDS), 'or')}? tally admin --help says more`
        : `unknown command: ${quoteIfNeeded(name)}${orNearest(name, Object.keys(COMMANDS))}; tally admin --help lists them`,
    );
  if (command.word !== undefined && word === undefined)
    throw new UsageError(`which? tally admin ${name} ${command.word}`);
  const extra = command.word === undefined ? word : more;
  if (extra !== undefined) throw new UsageError(`${quoteIfNeeded(extra)} is one word too many`);
  const foreign = OF_LISTS.find(flag => values[flag] !== undefined && !command.flags.includes(flag));
  if (foreign !== undefined) throw new UsageError(`--${foreign} is not for tally admin ${name}`);
  const act = actOf(name, word, values);
  const credentials = readCredentials(values, env, warn);
  const target = targetOf(values, credentials);
  if ('host' in target) refuseInClear(credentials, target.host, values);
  return { act, target, credentials, json: values.json === true };
}

function actOf(name: string, word: string | undefined, values: Values): Act {
  const after = values.after as string | undefined;
  switch (name) {
    case 'users':
      return {
        do: 'users',
        prefix: (values.prefix as string | undefined) ?? '',
        after: after ?? '',
        limit: limitOf(values),
      };
    case 'connections':
      return {
        do: 'connections',
        after: after === undefined ? 0 : clientOf('--after ', after),
        limit: limitOf(values),
      };
    case 'close':
      return { do: 'close', client: clientOf('', word!) };
    case 'log-level':
      if (!LEVELS.includes(word!))
        throw new UsageError(
          `${quoteIfNeeded(word!)} is no level${orNearest(word!, LEVELS)}; there are ${listed(LEVELS)}`,
        );
      return { do: 'log_level', level: word! };
    default:
      return { do: 'snapshot' };
  }
}

function limitOf({ limit, all }: Values): number {
  if (limit === undefined) return all === true ? Number.POSITIVE_INFINITY : LIMIT;
  if (all === true) throw new UsageError('--all has no limit; leave --limit out');
  const value = readCount(limit as string);
  if (value === undefined || !Number.isInteger(value) || value < 1)
    throw new UsageError(`--limit ${quoteIfNeeded(limit as string)}: a whole number from 1 on is needed`);
  return value;
}

function clientOf(flag: string, text: string): number {
  if (!/^\d{1,15}$/.test(text))
    throw new UsageError(
      `${flag}${quoteIfNeeded(text)} is not the number of a connection; tally admin connections lists them`,
    );
  return Number(text);
}

function targetOf({ host, port, socket }: Values, { tls }: Credentials): Target {
  if (typeof socket === 'string') {
    if (host !== undefined || port !== undefined)
      throw new UsageError('--socket is a path on this machine; leave --host and --port out');
    if (tls !== undefined) throw new UsageError('--socket: there is no TLS on a Unix socket');
    return { path: socket };
  }
  const number = port === undefined ? STANDARD.port : Number(port);
  if (!Number.isInteger(number) || number < 1 || number > 65_535)
    throw new UsageError(`--port ${quoteIfNeeded(String(port))}: a whole number from 1 to 65535 is needed`);
  return { host: host === undefined ? STANDARD.host : readHost(host as string, '--host '), port: number };
}

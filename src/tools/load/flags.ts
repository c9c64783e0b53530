/** The flags of `tally load`: which there are, what the help says of them, and their values as text. */
import { readArgs, UsageError } from '../../cli/terminal/usage.ts';
import { CREDENTIAL_FLAGS } from '../harness/credentials.ts';

interface Flag {
  /** What stands behind it; undefined: nothing. */
  value?: string;
  multiple?: boolean;
  group: string;
  about: string;
}

const FLAGS: Record<string, Flag> = {
  host: { value: 'NAME', group: 'Where', about: 'the server (127.0.0.1)' },
  port: { value: 'N', group: 'Where', about: 'its port (7878)' },
  protocol: { value: 'NAME', group: 'Where', about: 'tally, or redis: INCRBY of the same amounts (tally)' },
  'connect-timeout': { value: 'TIME', group: 'Where', about: 'for all connections to open (5s)' },

  reconnect: {
    group: 'Where',
    about: 'open lost connections again, after 50 ms and then ever later up to 2 s',
  },
  cmd: {
    value: 'CMD',
    group: 'Where',
    about: 'start the server with this command; it learns its port from PORT or {port}',
  },
  'kill-every': {
    value: 'TIME',
    group: 'Where',
    about: 'kill -9 the server of --cmd in the midst, and start it again; with --reconnect',
  },
  'start-timeout': { value: 'TIME', group: 'Where', about: 'for it to listen, at first and again (30s)' },

  ...inGroup('Who we are', CREDENTIAL_FLAGS),

  rate: { value: 'N', group: 'How', about: 'open loop: lines a second, of all connections together' },
  stages: { value: 'LIST', group: 'How', about: 'open loop: TIME:RATE or TIME:FROM-TO, with commas' },
  connections: { value: 'N', group: 'How', about: 'clients (50)' },
  pipeline: { value: 'N', group: 'How', about: 'lines that each may have under way (1)' },
  duration: { value: 'TIME', group: 'How', about: 'how long to send (10s)' },
  events: { value: 'N', group: 'How', about: 'how many lines to send; what is reached first ends the run' },
  warmup: { value: 'TIME', group: 'How', about: 'sent before, and left out of the figures (0s)' },
  threads: { value: 'N', group: 'How', about: 'threads that send, where one core is not enough (1)' },
  pace: {
    value: 'NAME',
    group: 'How',
    about: 'open loop: precise takes a core to itself, thrifty uses 1 ms timers',
  },
  grace: { value: 'TIME', group: 'How', about: 'for the last replies to come (5s)' },

  users: { value: 'N', group: 'What', about: 'how many different ones (10000)' },
  skew: { value: 'NAME', group: 'What', about: 'uniform, zipf, or zipf:EXPONENT (uniform)' },
  mix: {
    value: 'LIST',
    group: 'What',
    about: 'shares of buy, sell, wait, transfer, balance, metrics, health, garbage (buy=1)',
  },
  amount: { value: 'N', group: 'What', about: 'of every event (50)' },
  min: { value: 'N', group: 'What', about: 'sales and transfers are to leave no less' },
  ids: {
    group: 'What',
    about: 'an id for each event: without a reply it is sent again until it has one; with --reconnect',
  },
  'user-prefix': { value: 'TEXT', group: 'What', about: 'their names: the prefix and a number (u)' },
  replay: {
    value: 'FILE',
    group: 'What',
    about: 'the lines of a file, round and round, in place of the above',
  },
  seed: { value: 'N', group: 'What', about: 'the same seed sends the same lines (1)' },

  'check-balances': { group: 'Then', about: 'compare all balances with what was accepted' },
  'fail-if': {
    value: 'COND',
    multiple: true,
    group: 'Then',
    about: "exit with 4 if it holds: 'p99>5ms'; may be given again",
  },
  'find-max': { value: 'COND', group: 'Then', about: "the highest rate that holds it: 'p99<10ms'" },
  json: {
    value: 'FILE',
    group: 'Then',
    about: 'everything, for machines; a pipe or device too, - is standard output',
  },
  hdr: {
    value: 'NAME',
    group: 'Then',
    about: 'NAME.corrected.hgrm and NAME.uncorrected.hgrm, for plotters of HdrHistogram; a pipe gets both',
  },
};

function inGroup(group: string, flags: Record<string, Omit<Flag, 'group'>>): Record<string, Flag> {
  return Object.fromEntries(Object.entries(flags).map(([name, flag]) => [name, { ...flag, group }]));
}

/** As they are written. */
export const FLAG_NAMES = Object.keys(FLAGS).map(name => `--${name}`);

export function describeFlags(): string {
  const groups = [...new Set(Object.values(FLAGS).map(flag => flag.group))];
  return groups
    .map(group => {
      const lines = Object.entries(FLAGS)
        .filter(([, flag]) => flag.group === group)
        .map(
          ([name, flag]) => `  ${`--${name}${flag.value ? ` ${flag.value}` : ''}`.padEnd(24)}${flag.about}`,
        );
      return `${group}\n${lines.join('\n')}`;
    })
    .join('\n\n');
}

export type Values = Record<string, string | boolean | string[] | undefined>;

export function parseFlags(args: string[]): Values {
  const options = Object.fromEntries(
    Object.entries(FLAGS).map(([name, flag]) => [
      name,
      {
        type: flag.value === undefined ? ('boolean' as const) : ('string' as const),
        multiple: flag.multiple ?? false,
      },
    ]),
  );
  const parsed = readArgs('load', args, options);
  if (parsed.positionals.length > 0)
    throw new UsageError(`${parsed.positionals[0]}: flags only; the server is given by --host and --port`);
  return parsed.values as Values;
}

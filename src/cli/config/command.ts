/** `tally config`: what a file of settings comes to, before a server runs with it; and a file to begin with. */
import { addressesOf } from '../../config/addresses.ts';
import { asGiven } from '../../config/as-given.ts';
import { ConfigError } from '../../config/config-error.ts';
import { type Loaded, loadSettings } from '../../config/read.ts';
import { KEYS, nameOf, SETTINGS, type Settings } from '../../config/settings.ts';
import { unknownVariables } from '../../config/sources.ts';
import { Exit, jsonOf, runCommand } from '../terminal/command.ts';
import { columnsOf, padded } from '../terminal/drawing.ts';
import { orNearest } from '../terminal/nearest.ts';
import { printForMachines } from '../terminal/output.ts';
import { foldedFor } from '../terminal/prose.ts';
import { quoteIfNeeded, withoutControls } from '../terminal/quoting.ts';
import { UsageError } from '../terminal/usage.ts';
import { exampleFile } from './example.ts';

const HELP = `tally config: settings of tally serve in a file.

  tally config check FILE [flags]    what tally serve --config FILE [flags] would run with, or what is wrong
  tally config example               a file of all settings with their defaults, to begin with

The file is TOML. A setting has the name of its flag, without the dashes in front; line_bytes_max is the same as
line-bytes-max. Texts stand in quotes, numbers and true or false do not, and there are no tables:

  # tally.toml
  port = 7878
  data = "/var/lib/tally"
  connections-max = 2_000
  log-level = "info"          # everything, and what clients are closed for: "debug"

A flag wins over its variable, a variable over the file, and the file over the default. Paths in the file are those that
flags would take: relative to the folder in which the server is started.

SIGHUP makes the server read the file again (kill -HUP PID, systemctl reload tally), without losing a connection. All of
it is checked before any of it changes. Settings that only a restart can change are in the last column of the table; a
file that changes one of those is refused as a whole. The log says what has changed (reloaded), or why nothing has
(reload_failed). The files of certificates, tokens and keys are read again, too: only another file needs a restart.

check reads the certificate, the key, the tokens and the keys of JWTs too, with the rights of whoever calls it: so call it
as the user of the server, in its folder. Flags of check are those of tally serve, and:

  --json    one object instead of the table

Exit codes: 0 the server would start with it, 2 it would not: one line says what is wrong, and where.
`;

/** Settings that name files of which a reload takes what is in them. */
const REREAD: ReadonlySet<keyof Settings> = new Set([
  'config',
  'tlsCert',
  'tlsKey',
  'tlsClientCa',
  'tokens',
  'jwtKeys',
]);

const COMMANDS = ['check', 'example'] as const;

export function configCommand(args: string[]): Promise<void> {
  return runCommand('config', HELP, args, async () => {
    const [command, ...rest] = args;
    switch (command) {
      case 'check':
        return check(rest);
      case 'example':
        if (rest.length > 0)
          throw new UsageError(`${quoteIfNeeded(rest[0]!)} is one word too many: tally config example`);
        printForMachines(exampleFile());
        return Exit.ok;
      default:
        throw new UsageError(
          command === undefined || command.startsWith('-')
            ? 'check or example? tally config --help says more'
            : `unknown command: ${quoteIfNeeded(command)}${orNearest(command, COMMANDS)}; tally config --help lists them`,
        );
    }
  });
}

async function check(args: string[]): Promise<number> {
  const [file, ...rest] = args;
  if (file === undefined || file.startsWith('-')) throw new UsageError('which file? tally config check FILE');
  if (rest.some(arg => /^--config(?:=|$)/.test(arg)))
    throw new UsageError(`--config is one file too many: ${quoteIfNeeded(file)} is to be checked`);
  const flags = rest.filter(arg => arg !== '--json');
  const loaded = await loadChecked([`--config=${file}`, ...flags]).catch(error => {
    throw error instanceof ConfigError ? new UsageError(error.message) : error;
  });
  const settings = rowsOf(loaded);
  const variables = unknownVariables(process.env);
  if (rest.includes('--json'))
    printForMachines(`${jsonOf({ file, settings, unknownVariables: variables }, 2)}\n`);
  else {
    process.stdout.write(foldedFor(process.stdout, tableOf(settings)));
    for (const { variable, nearest } of variables) {
      const instead = nearest === undefined ? '' : ` (${nearest}?)`;
      process.stderr.write(
        `tally config: ${quoteIfNeeded(variable)} is no setting${instead}; it is ignored\n`,
      );
    }
  }
  return Exit.ok;
}

/** As a start would: with addresses, certificates, tokens and keys. Throws a `ConfigError`. */
async function loadChecked(flags: string[]): Promise<Loaded> {
  const loaded = await loadSettings(flags, process.env);
  try {
    addressesOf(loaded.settings, process.env);
    const { checkSecurity } = await import('../../server/security.ts');
    await checkSecurity(loaded.settings);
    return loaded;
  } catch (error) {
    throw asGiven(error, loaded.given);
  }
}

/** A setting as it would hold. */
interface Row {
  name: string;
  value: string | number | boolean;
  /** `--port`, `TALLY_PORT`, `tally.toml:3`, `default`, or `this machine`, which has less. */
  from: string;
  /** Whether a reload may change it. */
  mayChange: boolean;
  /** Whether it names a file that a reload reads again. */
  isReread: boolean;
}

function rowsOf({ settings, given }: Loaded): Row[] {
  return KEYS.map(key => {
    const { default: usual, mayChange } = SETTINGS[key];
    const isOfMachine = key === 'workers' || settings[key] !== usual;
    const { place, name } = given.get(key) ?? { name: isOfMachine ? 'this machine' : 'default' };
    const isReread = REREAD.has(key) && settings[key] !== '';
    return { name: nameOf(key), value: settings[key], from: place ?? name, mayChange, isReread };
  });
}

function tableOf(rows: Row[]): string {
  const table = [
    ['setting', 'value', 'from', 'changes with'],
    ...rows.map(({ name, value, from, mayChange, isReread }) => [
      name,
      withoutControls(value === '' ? 'none' : String(value)),
      withoutControls(from),
      mayChange ? 'a reload' : isReread ? 'a restart; what is in the file, a reload' : 'a restart',
    ]),
  ];
  const widths = [0, 1, 2].map(at => Math.max(...table.map(row => columnsOf(row[at]!))));
  const lines = table.map(row => row.map((cell, at) => padded(cell, widths[at] ?? 0)).join('  '));
  return `${lines.join('\n')}\n`;
}

/** `tally token`: makes, lists and revokes entries of the file of tokens, from the arguments to the exit code. */
import { CommandError, Exit, exitOnSignals, runCommand } from '../../cli/terminal/command.ts';
import { orNearest } from '../../cli/terminal/nearest.ts';
import { printForMachines } from '../../cli/terminal/output.ts';
import { foldedFor, listed } from '../../cli/terminal/prose.ts';
import { quoteIfNeeded } from '../../cli/terminal/quoting.ts';
import { isTerminal } from '../../cli/terminal/terminal.ts';
import { readArgs, UsageError } from '../../cli/terminal/usage.ts';
import { isRightName, RIGHT_NAMES, type RightName } from '../access.ts';
import { FOREIGN_NAME_BYTES_MAX, NAME_BYTES_MAX, nameMistake } from '../holder-name.ts';
import { momentText } from '../moments.ts';
import { modeWarning } from '../small-file.ts';
import { hashOfToken, newToken } from '../token.ts';
import { type Grant, lineOf } from '../token-file.ts';
import { patternMistake } from '../user-patterns.ts';
import { readExpiry } from './expiry.ts';
import { jsonLinesOf, rowsOf } from './listing.ts';
import { changeTokens, readTokens } from './token-writer.ts';

const HELP = `tally token: who may do what, and for which users. The file of tokens is kept by these commands, or by hand.

  tally token new --tokens tokens.jsonl --name till-3 --may write,read --users 'till3:*' --expires 90d
  tally token new --tokens tokens.jsonl --name ops --may admin --users ''
  tally token new --tokens tokens.jsonl --name till-4 --certificate till-4.shop.example --may write --users 'till4:*'
  tally token list --tokens tokens.jsonl
  tally token revoke --tokens tokens.jsonl --name till-3

new prints the token, once, and nothing else on standard output: only its SHA-256 is kept, so nobody can read it out of
the file, and nobody can print it again. With --certificate nothing secret is made.

  --tokens FILE        a line for each entry; new makes the file, with mode 0600
  --name NAME          who it is: for logs, limits and revoke
  --may RIGHTS         one or more of these, with commas: write, read, transfer, admin
  --users PATTERNS     for which users: names, prefixes such as 'till3:*', or '*' for every user; '' is no user
  --expires TIME       until when: a time (2027-01-01T12:00:00Z; without a zone it is UTC), a date, or how long from
                       now: 30m, 12h, 90d. Without it, until it is revoked
  --certificate NAME   new: for a client with a certificate of this name (its CN, or a DNS name in it), not for a token
  --json               list: an object a line

A running server takes a new token, and lets a revoked one in no more, at SIGHUP: kill -HUP PID. Its first line of the
log has the PID; new and revoke remind of that on standard error.

  write      events of its users
  read       the balances of its users, and metrics
  transfer   transfers from its users, to anybody
  admin      administration

Quote the *, which a shell would take for files. In the file, # starts a line for people; such lines are kept.

Exit codes: 0 done, 1 not done (the name is taken, or not there; the file can't be read or written), 2 wrong usage.
`;

const COMMANDS = ['new', 'list', 'revoke'] as const;

export function tokenCommand(args: string[]): Promise<void> {
  return runCommand('token', HELP, args, async () => {
    const [command, ...rest] = args;
    switch (command) {
      case 'new':
        return make(rest);
      case 'list':
        return list(rest);
      case 'revoke':
        return revoke(rest);
      default:
        throw new UsageError(
          command === undefined || command.startsWith('-')
            ? 'new, list or revoke? tally token --help says more'
            : `unknown command: ${quoteIfNeeded(command)}${orNearest(command, COMMANDS)}; tally token --help lists them`,
        );
    }
  });
}

async function make(args: string[]): Promise<number> {
  const values = flagsIn('new', args, {
    tokens: { type: 'string' },
    name: { type: 'string' },
    may: { type: 'string' },
    users: { type: 'string' },
    expires: { type: 'string' },
    certificate: { type: 'string' },
  });
  const path = needed(values.tokens, '--tokens FILE', 'new');
  const { certificate } = values;
  const token = newToken();
  const grant: Grant = {
    name: nameIn(needed(values.name, '--name NAME', 'new'), '--name', NAME_BYTES_MAX),
    sha256: certificate === undefined ? hashOfToken(token) : undefined,
    certificate:
      certificate === undefined ? undefined : nameIn(certificate, '--certificate', FOREIGN_NAME_BYTES_MAX),
    may: rightsIn(needed(values.may, `--may RIGHTS (${listed(RIGHT_NAMES)})`, 'new')),
    users: usersIn(needed(values.users, `--users PATTERNS ('*' for every user)`, 'new')),
    expiresAtMs: values.expires === undefined ? Infinity : readExpiry(values.expires),
  };
  exitOnSignals();
  const mode = await changeTokens(path, true, (text, entries) => {
    const taken = entries.find(
      entry => entry.name === grant.name || (certificate !== undefined && entry.certificate === certificate),
    );
    if (taken !== undefined) throw new CommandError(takenText(path, taken, grant));
    return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${lineOf(grant)}\n`;
  });
  warnOfMode(path, mode);
  if (isTerminal(process.stderr)) process.stderr.write(hintOf(path, grant));
  remindOfReload();
  if (certificate === undefined) process.stdout.write(`${token}\n`);
  return Exit.ok;
}

async function list(args: string[]): Promise<number> {
  const values = flagsIn('list', args, { tokens: { type: 'string' }, json: { type: 'boolean' } });
  const path = needed(values.tokens, '--tokens FILE', 'list');
  const { entries, mode } = await readTokens(path);
  warnOfMode(path, mode);
  if (values.json) printForMachines(jsonLinesOf(entries, Date.now()));
  else if (entries.length === 0) process.stderr.write(`tally token: ${quoteIfNeeded(path)} has no entry\n`);
  else process.stdout.write(foldedFor(process.stdout, rowsOf(entries, Date.now())));
  return Exit.ok;
}

async function revoke(args: string[]): Promise<number> {
  const values = flagsIn('revoke', args, { tokens: { type: 'string' }, name: { type: 'string' } });
  const path = needed(values.tokens, '--tokens FILE', 'revoke');
  const name = needed(values.name, '--name NAME', 'revoke');
  exitOnSignals();
  const mode = await changeTokens(path, false, (text, entries) => {
    const entry = entries.find(each => each.name === name);
    if (entry === undefined) {
      const names = entries.map(each => each.name);
      throw new CommandError(
        `${quoteIfNeeded(path)} has no entry ${quoteIfNeeded(name)}${orNearest(name, names)}; tally token list lists them`,
      );
    }
    return text
      .split('\n')
      .filter((_, index) => index !== entry.line - 1)
      .join('\n');
  });
  warnOfMode(path, mode);
  remindOfReload();
  return Exit.ok;
}

/** Flags with their values; a word that is none is a mistake. */
function flagsIn<Options extends Parameters<typeof readArgs>[2]>(
  command: string,
  args: string[],
  options: Options,
) {
  const { values, positionals } = readArgs<Options>(`token ${command}`, args, options);
  const [word] = positionals as string[];
  if (word !== undefined)
    throw new UsageError(
      `${quoteIfNeeded(word)} is no flag; tally token --help shows how. (Is a * quoted for the shell?)`,
    );
  return values;
}

function needed(value: string | undefined, flag: string, command: string): string {
  if (value === undefined) throw new UsageError(`${flag} is missing; tally token ${command} needs it`);
  return value;
}

function nameIn(name: string, flag: string, bytesMax: number): string {
  const mistake = nameMistake(name, bytesMax);
  if (mistake !== undefined) throw new UsageError(`${flag} ${quoteIfNeeded(name)} ${mistake}`);
  return name;
}

function rightsIn(text: string): RightName[] {
  const names = wordsIn(text);
  const unknown = names.find(name => !isRightName(name));
  if (unknown !== undefined)
    throw new UsageError(
      `--may: unknown right ${quoteIfNeeded(unknown)}${orNearest(unknown, RIGHT_NAMES)}; there are ${listed(RIGHT_NAMES)}`,
    );
  if (names.length === 0) throw new UsageError(`--may is empty; there are ${listed(RIGHT_NAMES)}`);
  return names as RightName[];
}

function usersIn(text: string): string[] {
  const users = wordsIn(text);
  const mistake = users.map(patternMistake).find(each => each !== undefined);
  if (mistake !== undefined) throw new UsageError(`--users: ${mistake}`);
  return users;
}

function wordsIn(text: string): string[] {
  const words = text.split(',').map(word => word.trim());
  return [...new Set(words.filter(word => word !== ''))];
}

function takenText(path: string, taken: Grant, { name }: Grant): string {
  const file = quoteIfNeeded(path);
  return taken.name === name
    ? `${file} has an entry ${quoteIfNeeded(name)} already; revoke it first, or take another name`
    : `${file} has this certificate already, in the entry ${quoteIfNeeded(taken.name)}`;
}

function hintOf(path: string, { name, certificate, expiresAtMs }: Grant): string {
  const until = expiresAtMs === Infinity ? '' : ` until ${momentText(expiresAtMs)}`;
  const who = quoteIfNeeded(name);
  const text =
    certificate === undefined
      ? `The token of ${who}${until}. It is shown once: ${quoteIfNeeded(path)} keeps only its SHA-256. Keep it where only ` +
        `${who} can read it (a file with mode 0600, a secret of its service), not in a command line, which others see.\n`
      : `Whoever connects with the certificate ${quoteIfNeeded(certificate)} is ${who}${until}.\n`;
  return foldedFor(process.stderr, text);
}

function warnOfMode(path: string, mode: number): void {
  const warning = modeWarning(path, mode);
  if (warning !== undefined) process.stderr.write(`tally token: ${warning}\n`);
}

/** Whoever revokes a token that has leaked must not believe that it is over. */
function remindOfReload(): void {
  process.stderr.write('tally token: a running server takes this at SIGHUP: kill -HUP PID\n');
}

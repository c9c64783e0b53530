/** `tally journal`: what a folder keeps, from the arguments to the exit code. Nothing is changed. */
import { CommandError, Exit, jsonOf, runCommand } from '../../cli/terminal/command.ts';
import { orNearest } from '../../cli/terminal/nearest.ts';
import { count } from '../../cli/terminal/numbers.ts';
import { printForMachines } from '../../cli/terminal/output.ts';
import { withProgress } from '../../cli/terminal/progress.ts';
import { quoteIfNeeded, withoutControls } from '../../cli/terminal/quoting.ts';
import { readArgs, UsageError } from '../../cli/terminal/usage.ts';
import type { Ledger } from '../ledger.ts';
import type { PastOutcome } from '../past.ts';
import { orAdvice } from './advice.ts';
import { balancesAt, eventsIn, listingFrom, type OnPastEvent } from './history.ts';
import { hold } from './kept.ts';
import { Printer } from './printing.ts';
import { readTime, timeText } from './times.ts';
import { adviceFor, verdictJson, verdictText } from './verdict.ts';
import { verifyJournal } from './verify.ts';

const HELP = `tally journal: what the folder of tally serve --data keeps.

  tally journal verify DIR      reads all of it, and says what is there, what is wrong, and what can be done
  tally journal events DIR      its events, the oldest first, a JSON line each
  tally journal balances DIR    the balance of every user, and what is in transit between two

They change nothing, and work beside a server that runs. Flags:

  --user NAME                   events, balances: only this user's
  --since TIME, --until TIME    events: from this time on, up to and with this time
  --at TIME                     balances: as they were then
  --json                        verify: one object; balances: a line each, and one for what is in transit

TIME is a time (2026-11-29T12:00:00Z; without a zone it is UTC), a date, or how long ago: 90s, 10m, 2h, 3d. What was
before the last snapshot is there only if the server ran with --journal-keep.

Exit codes: 0 done, 1 the journal is damaged, or can't be read, or does not reach back so far, 2 wrong usage.
`;

const COMMANDS = ['verify', 'events', 'balances'] as const;

export function journalCommand(args: string[]): Promise<void> {
  return runCommand('journal', HELP, args, async () => {
    const [command, ...rest] = args;
    switch (command) {
      case 'verify':
        return verify(rest);
      case 'events':
        return events(rest);
      case 'balances':
        return balances(rest);
      default:
        throw new UsageError(
          command === undefined || command.startsWith('-')
            ? 'verify, events or balances? tally journal --help says more'
            : `unknown command: ${quoteIfNeeded(command)}${orNearest(command, COMMANDS)}; tally journal --help lists them`,
        );
    }
  });
}

async function verify(args: string[]): Promise<number> {
  const { values, positionals } = readArgs('journal verify', args, { json: { type: 'boolean' } });
  const dir = folderIn(positionals, 'verify');
  const found = await withProgress(eventsText, show => verifyJournal(dir, show));
  if (values.json) printForMachines(`${jsonOf(verdictJson(dir, found), 2)}\n`);
  else {
    process.stdout.write(verdictText(quoteIfNeeded(dir), found));
    for (const each of found.damage) {
      const what = withoutControls(each.damage.message).replaceAll('\n', ' ');
      process.stderr.write(`tally journal: ${what}; ${adviceFor(each)}\n`);
    }
  }
  return found.damage.length === 0 ? Exit.ok : Exit.failed;
}

async function events(args: string[]): Promise<number> {
  const { values, positionals } = readArgs('journal events', args, {
    user: { type: 'string' },
    since: { type: 'string' },
    until: { type: 'string' },
  });
  const dir = folderIn(positionals, 'events');
  const sinceMs = values.since === undefined ? -Infinity : readTime(values.since, '--since');
  const untilMs = values.until === undefined ? Infinity : readTime(values.until, '--until');
  const user = values.user === undefined ? undefined : Buffer.from(values.user);
  await orAdvice(dir, async () => {
    // What happened in the first millisecond may be in the snapshot of the same.
    const kept = hold(dir, listingFrom(sinceMs - 1));
    try {
      const reachesMs = kept.parts[0]!.timeMs;
      if (reachesMs > 0 && sinceMs <= reachesMs)
        process.stderr.write(
          `tally journal: ${quoteIfNeeded(dir)} begins with a snapshot of ${timeText(reachesMs)}; the events in it are not kept\n`,
        );
      const printer = new Printer(true);
      const onEvent: OnPastEvent = (place, index, amount, outcome, other) => {
        const name = place.ledger.nameOf(index);
        if (user === undefined || name.equals(user))
          printer.add(eventLine(place, name, amount, outcome, other));
      };
      for (const _ of eventsIn(kept, sinceMs, untilMs, onEvent)) await printer.flush();
      await printer.flush(1);
    } finally {
      kept.close();
    }
  });
  return Exit.ok;
}

function eventLine(
  { ledger, time, epoch, lane, number }: Parameters<OnPastEvent>[0],
  name: Buffer,
  amount: number,
  outcome: PastOutcome,
  other: number | undefined,
): string {
  const user = JSON.stringify(name.toString());
  const to = other === undefined ? '' : `,"to":${JSON.stringify(ledger.nameOf(other).toString())}`;
  return `{"time":"${time}","user":${user}${to},"amount":${amount},"outcome":"${outcome}","epoch":${epoch},"lane":${lane},"number":${number}}\n`;
}

async function balances(args: string[]): Promise<number> {
  const { values, positionals } = readArgs('journal balances', args, {
    at: { type: 'string' },
    user: { type: 'string' },
    json: { type: 'boolean' },
  });
  const dir = folderIn(positionals, 'balances');
  const atMs = values.at === undefined ? undefined : readTime(values.at, '--at');
  await orAdvice(dir, async () => {
    const { ledger, inTransit } = balancesAt(dir, atMs);
    const users = usersOf(ledger, values.user);
    if (users.length === 0 && values.user !== undefined)
      throw new CommandError(
        `${quoteIfNeeded(dir)} has no user ${quoteIfNeeded(values.user)}${atMs === undefined ? '' : ` at ${timeText(atMs)}`}`,
      );
    const columns = users.reduce(
      (most, { balance }) => Math.max(most, String(balance).length),
      String(inTransit).length,
    );
    const printer = new Printer(values.json === true);
    for (const { user, balance } of users) {
      printer.add(
        values.json
          ? `{"user":${JSON.stringify(user)},"balance":${balance}}\n`
          : `${String(balance).padStart(columns)}  ${shown(user)}\n`,
      );
      await printer.flush();
    }
    if (values.user === undefined) printer.add(transitLine(inTransit, columns, values.json === true));
    await printer.flush(1);
  });
  return Exit.ok;
}

/** With it, the lines add up to what events have brought in: no transfer changes the sum. Apart: a user may have any name. */
function transitLine(inTransit: bigint, columns: number, isJson: boolean): string {
  if (isJson) return `{"in_transit":${inTransit}}\n`;
  return inTransit === 0n ? '' : `\n${String(inTransit).padStart(columns)}  in transit\n`;
}

/** In the order of their names. */
function usersOf(ledger: Ledger, only: string | undefined): { user: string; balance: number }[] {
  const users: { user: string; balance: number }[] = [];
  for (let index = 0; index < ledger.indexEnd; index++) {
    if (!ledger.has(index)) continue;
    const user = ledger.nameOf(index).toString();
    if (only === undefined || user === only) users.push({ user, balance: ledger.balances[index]! });
  }
  return users.sort((one, other) => (one.user < other.user ? -1 : 1));
}

/** A name may hold anything: what a terminal would not show as it is, is written as in JSON. */
function shown(user: string): string {
  return /^[ "]|\p{C}|\s$/u.test(user) ? withoutControls(JSON.stringify(user)) : user;
}

function folderIn(words: string[], command: string): string {
  const [dir, ...more] = words;
  if (dir === undefined) throw new UsageError(`which folder? tally journal ${command} DIR`);
  if (more.length > 0)
    throw new UsageError(`${quoteIfNeeded(more[0]!)} is one word too many: tally journal ${command} DIR`);
  return dir;
}

const eventsText = (events: number) => `${count(events)} events`;

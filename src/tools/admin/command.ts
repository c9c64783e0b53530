/** `tally admin`: administers a running server over the wire, from the arguments to the exit code. */
import { Exit, exitOnSignals, runCommand } from '../../cli/terminal/command.ts';
import { printForMachines } from '../../cli/terminal/output.ts';
import { foldedFor } from '../../cli/terminal/prose.ts';
import { quoteForShellIfNeeded } from '../../cli/terminal/quoting.ts';
import { describeCredentials } from '../harness/credentials.ts';
import { Asker, type Connection, type User } from './asking.ts';
import { type Act, type AdminOptions, readOptions } from './options.ts';
import { connectionRows, jsonLines, userRows } from './printing.ts';

const HELP = `tally admin: administers a running server, over the wire. Its clients must have to say who they are (tally serve
--tokens FILE), and you need the right admin (tally token new --may admin).

  tally admin users --prefix till3:     users and their balances, in the order of their names
  tally admin connections               who is connected, since when, and with which token
  tally admin close 17                  ends connection 17, when its replies are out
  tally admin log-level debug           how much the server logs: error, warn, info or debug; until it is started
                                        again, or reads its file of settings
  tally admin snapshot                  has the journal fold its full files now; done when it is written

  --host NAME --port N  the server (127.0.0.1:7878)
  --socket PATH         its Unix socket, instead
${describeCredentials(24)}

  --prefix TEXT         users: whose names begin so
  --after NAME          users, connections: behind this name, or number
  --limit N             users, connections: so many at most (100)
  --all                 users, connections: all of them
  --json                a list has an object a line; else the reply of the server

The token is never given as a flag, since whoever lists processes would see it. Each act is in the log of the server, with
the name of the token.

Exit codes: 0 done, 1 not done (one line says why), 2 wrong usage.
`;

export function adminCommand(args: string[]): Promise<void> {
  return runCommand('admin', HELP, args, async () => {
    const options = readOptions(args, process.env, say);
    exitOnSignals();
    const asker = await Asker.open(options.target, options.credentials);
    try {
      await carryOut(asker, options);
      return Exit.ok;
    } finally {
      asker.close();
    }
  });
}

async function carryOut(asker: Asker, { act, json }: AdminOptions): Promise<void> {
  switch (act.do) {
    case 'users': {
      const next = await asker.list<User>(act, users => print(users, json ? jsonLines : userRows, json));
      if (next !== undefined)
        say(`there are more users: --after ${quoteForShellIfNeeded(String(next))}, or --all`);
      return;
    }
    case 'connections': {
      const rows = json ? jsonLines : connectionRows;
      const next = await asker.list<Connection>(act, connections => print(connections, rows, json));
      if (next !== undefined) say(`there are more connections: --after ${next}, or --all`);
      return;
    }
    default: {
      const reply = await asker.do(act);
      if (json) printForMachines(jsonLines([reply]));
      else process.stdout.write(`${foldedFor(process.stdout, doneText(act))}\n`);
    }
  }
}

function doneText(act: Exclude<Act, { do: 'users' | 'connections' }>): string {
  switch (act.do) {
    case 'close':
      return `connection ${act.client} is being ended: it is gone when its client has closed, or after 2 s`;
    case 'log_level':
      return `the server logs by the level ${act.level}`;
    case 'snapshot':
      return 'the snapshot is written';
  }
}

/** Waits for the reader, so that a million users do not gather here. */
async function print<Entry>(
  entries: Entry[],
  rows: (entries: Entry[]) => string,
  isForMachines: boolean,
): Promise<void> {
  const text = rows(entries);
  if (isForMachines) printForMachines(text);
  else process.stdout.write(foldedFor(process.stdout, text));
  if (process.stdout.writableNeedDrain) await new Promise(resolve => process.stdout.once('drain', resolve));
}

function say(what: string): void {
  process.stderr.write(`tally admin: ${what}\n`);
}

/** `tally backup`: a copy of a journal that can be served, checked before it is called one. */
import { chmodSync, existsSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { CommandError, Exit, exitOnSignals, jsonOf, runCommand } from '../../cli/terminal/command.ts';
import { count } from '../../cli/terminal/numbers.ts';
import { printForMachines, reasonOf } from '../../cli/terminal/output.ts';
import { withProgress } from '../../cli/terminal/progress.ts';
import { quoteForShellIfNeeded, quoteIfNeeded } from '../../cli/terminal/quoting.ts';
import { readArgs, UsageError } from '../../cli/terminal/usage.ts';
import { makeFolders } from '../disk.ts';
import { orAdvice } from './advice.ts';
import { copyJournal } from './copying.ts';
import { listingFrom } from './history.ts';
import { hold, newest } from './kept.ts';
import { timeText } from './times.ts';
import { type Found, verifyJournal } from './verify.ts';

const HELP = `tally backup DIR TO: a whole and consistent copy of the folder of tally serve --data.

  tally backup data copy          the last snapshot, and every event behind it
  tally backup data copy --all    all that is kept: what tally journal events lists, too
  tally backup data copy --json   says what was copied as one object

A server that runs goes on meanwhile. All that it had acknowledged when the copy began is in it. TO is a new folder, or
an empty one. The copy is on the disk, and verified, when the command ends with 0; it can be served:

  tally serve --data copy

Exit codes: 0 copied and verified, 1 not copied (and TO is left as it was), 2 wrong usage.
`;

const FOLDER_MODE = 0o700;

export function backupCommand(args: string[]): Promise<void> {
  return runCommand('backup', HELP, args, async () => {
    const { values, positionals } = readArgs('backup', args, {
      all: { type: 'boolean' },
      json: { type: 'boolean' },
    });
    const [dir, to, ...more] = positionals;
    if (dir === undefined || to === undefined)
      throw new UsageError('two folders are needed: tally backup DIR TO');
    if (more.length > 0)
      throw new UsageError(`${quoteIfNeeded(more[0]!)} is one word too many: tally backup DIR TO`);
    exitOnSignals();
    const { bytes, found } = await backup(dir, to, values.all === true);
    const events = found.epochs.reduce((sum, epoch) => sum + epoch.events, 0);
    const last = found.lastMs === undefined ? null : timeText(found.lastMs);
    if (values.json)
      printForMachines(`${jsonOf({ data: dir, to, bytes, users: found.users, events, last }, 2)}\n`);
    else
      process.stdout.write(
        `${quoteIfNeeded(to)}: ${count(found.users)} users, and ${count(events)} events behind ` +
          `${values.all === true ? 'the first snapshot' : 'the snapshot'}, in ${count(bytes)} bytes; verified\n` +
          `serve it:  tally serve --data ${quoteForShellIfNeeded(to)}\n`,
      );
    return Exit.ok;
  });
}

async function backup(dir: string, to: string, isAll: boolean): Promise<{ bytes: number; found: Found }> {
  return orAdvice(dir, async () => {
    const kept = hold(dir, isAll ? listingFrom(-Infinity) : newest);
    try {
      const undo = makeEmpty(dir, to);
      process.on('exit', undo);
      try {
        const bytes = await withProgress(
          number => `${count(number)} bytes copied`,
          show => copyJournal(kept, to, show),
        );
        const found = await withProgress(
          number => `${count(number)} events verified`,
          show => verifyJournal(to, show),
        );
        const [wrong] = found.damage;
        if (wrong !== undefined) throw new CommandError(`the copy is not whole: ${wrong.damage.message}`);
        process.off('exit', undo);
        return { bytes, found };
      } catch (error) {
        undo();
        process.off('exit', undo);
        throw error;
      }
    } finally {
      kept.close();
    }
  });
}

/** Makes the folder. Returns what takes it away again, or what is in it since. */
function makeEmpty(dir: string, to: string): () => void {
  const name = quoteIfNeeded(to);
  let path: string;
  let made: string | undefined;
  try {
    if (existsSync(to) && readdirSync(to).length > 0)
      throw new UsageError(`${name} is not empty: a backup needs a folder of its own`);
    made = makeFolders(to);
    path = realpathSync(to);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new CommandError(`${name}: ${reasonOf(error)}`);
  }
  const undo = () => {
    for (const each of readdirSync(path)) rmSync(`${path}/${each}`, { recursive: true, force: true });
    if (made !== undefined) rmSync(made, { recursive: true, force: true });
  };
  if (`${path}/`.startsWith(`${realpathSync(dir)}/`)) {
    undo();
    throw new UsageError(`${name} is inside ${quoteIfNeeded(dir)}: a backup needs a folder elsewhere`);
  }
  chmodSync(path, FOLDER_MODE);
  return undo;
}

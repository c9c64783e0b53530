/** `npm run structure`: the rooms of the tree, their imports, and violations of the rules. */
import { parseArgs } from 'node:util';
import { printHelp } from '../../src/cli/terminal/help.ts';
import { UsageError } from '../../src/cli/terminal/usage.ts';
import { ROOT } from '../../src/tools/harness/root.ts';
import { runProgram } from '../ending.ts';
import { violations } from './check.ts';
import { holderOf, ROOMS } from './rules.ts';
import { FOLDERS, filesUnder, importsOf, linesOf, type SourceFile } from './tree.ts';
import { type Walk, walksIn } from './walks.ts';

const HELP = `npm run structure -- [flags]: the rooms of the tree, what each may import and does, and the broken rules.

  --walks          how far requests walk instead: the files of src that run between a line and its reply, in a real
                   server, and the files that name a setting; wants npm run build
  --setting NAME   that setting (turnMsMax)
  --folder PATH    of another checkout, compiled too (this one)
  -h, --help       this text

Exit codes: 0 every rule is kept, 1 one is broken (the last lines say where), 2 wrong usage.
`;

async function main(args: string[]): Promise<void> {
  const { values } = parse(args);
  if (values.help) return printHelp(HELP);
  if (values.walks) {
    for (const walk of await walksIn(values.folder, values.setting)) process.stdout.write(describeWalk(walk));
    return;
  }
  const files = FOLDERS.flatMap(folder => filesUnder(folder));
  for (const room of Object.keys(ROOMS)) process.stdout.write(describeRoom(room, files));
  const broken = violations(files);
  process.stdout.write(broken.length === 0 ? '\nEvery rule is kept.\n' : `\n${broken.join('\n')}\n`);
  process.exitCode = broken.length === 0 ? 0 : 1;
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        help: { type: 'boolean', short: 'h' },
        walks: { type: 'boolean' },
        setting: { type: 'string', default: 'turnMsMax' },
        folder: { type: 'string', default: ROOT },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message.split('. ')[0]);
  }
}

function describeWalk({ what, files }: Walk): string {
  const lines = files.map(({ path, functions }) => `  ${path.padEnd(32)}${functions.join(', ')}`.trimEnd());
  return `${what}: ${files.length} files\n${lines.join('\n')}\n`;
}

/** `src/net: 4 files, 190 lines`, and below it what it may import and what it does. */
function describeRoom(room: string, files: readonly SourceFile[]): string {
  const own = files.filter(({ path }) => holderOf(path, ROOMS) === room);
  const { may, mayTypes } = ROOMS[room]!;
  const allowed = [...may, ...(mayTypes ?? []).map(name => `types of ${name}`)];
  const used = own
    .flatMap(importsOf)
    .flatMap(({ path }) => (path === undefined ? [] : (holderOf(path, ROOMS) ?? path)))
    .filter(name => name !== room);
  const lines = own.reduce((sum, file) => sum + linesOf(file), 0);
  const list = (names: Iterable<string>) => [...new Set(names)].sort().join(', ') || 'nothing';
  return `${room}: ${own.length} files, ${lines} lines\n  may import: ${list(allowed)}\n  imports: ${list(used)}\n`;
}

await runProgram('structure', main);

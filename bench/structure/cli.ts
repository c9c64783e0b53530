/** `npm run structure`: the rooms of the tree, what they import, and where they break their rules. */
import { parseArgs } from 'node:util';
import { printHelp } from '../../src/cli/terminal/help.ts';
import { UsageError } from '../../src/cli/terminal/usage.ts';
import { runProgram } from '../ending.ts';
import { violations } from './check.ts';
import { holderOf, ROOMS } from './rules.ts';
import { FOLDERS, filesUnder, importsOf, linesOf, type SourceFile } from './tree.ts';

const HELP = `npm run structure: the rooms of the tree, from low to high, and what each may import and does.

  -h, --help     this text

Exit codes: 0 every rule is kept, 1 one is broken (the last lines say where), 2 wrong usage.
`;

async function main(args: string[]): Promise<void> {
  const { values } = parse(args);
  if (values.help) return printHelp(HELP);
  const files = FOLDERS.flatMap(folder => filesUnder(folder));
  for (const room of Object.keys(ROOMS)) process.stdout.write(describeRoom(room, files));
  const broken = violations(files);
  process.stdout.write(broken.length === 0 ? '\nEvery rule is kept.\n' : `\n${broken.join('\n')}\n`);
  process.exitCode = broken.length === 0 ? 0 : 1;
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: { help: { type: 'boolean', short: 'h' } } });
  } catch (error) {
    throw new UsageError((error as Error).message.split('. ')[0]);
  }
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

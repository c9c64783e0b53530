/** `tally diff N M`: the changes from one step to another, as Git shows them. */

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError, runCommand } from '../../src/cli/terminal/command.ts';
import { foldedFor, listed } from '../../src/cli/terminal/prose.ts';
import { isTerminal } from '../../src/cli/terminal/terminal.ts';
import { readSwitches, UsageError } from '../../src/cli/terminal/usage.ts';
import { ROOT } from '../../src/tools/harness/root.ts';
import { lessonIn } from '../lesson-kit/lessons.ts';
import { git, gitEnvironment } from './git.ts';
import { readStep, STEPS, type Step, stepOf } from './manifest.ts';

const SWITCHES = ['--all', '--stat'] as const;
const CHAPTER = 'README.md';
const FINISHED = 'the finished server is not one more step, but another design: read docs/architecture.md';

const HELP = `tally diff N M: what changes from step N to step M, or in lesson N, as git diff shows it.

  tally diff 5 6         the code
  tally diff 5           the same: from step 5 to the next
  tally diff 5 6 --stat  which files, and how much
  tally diff 5 6 --all   the chapters as well
  tally diff 11          from the wrong server of lesson 11 to the right one

It compares the folders in steps/ as they are, with your changes. On a terminal, Git's own pager and colours show it.
Exit codes: 0 shown, 1 could not be shown, 2 wrong usage.
`;

export function diffCommand(args: string[]): Promise<void> {
  return runCommand('diff', HELP, args, async () => {
    const { words, on } = readSwitches('diff', args, SWITCHES);
    const { folders, introduction } = comparisonOf(words);
    for (const folder of folders)
      if (!existsSync(`${ROOT}steps/${folder}`))
        throw new CommandError(
          `steps/${folder} is not here: an installed package has no sources; clone the repository`,
        );
    // Printed before, it would be hidden by a pager.
    const isPaged = isTerminal(process.stdout);
    if (!isPaged) process.stderr.write(foldedFor(process.stderr, introduction));
    const exitCode = await show(folders, on.has('--all'), on.has('--stat') ? ['--stat'] : []);
    if (isPaged) process.stderr.write(foldedFor(process.stderr, introduction));
    return exitCode;
  });
}

interface Comparison {
  /** In steps/. */
  folders: readonly [string, string];
  introduction: string;
}

function comparisonOf(words: string[]): Comparison {
  const lesson = lessonIn(words[0]);
  if (lesson === undefined) {
    const [from, to] = readPair(words);
    return { folders: [from.folder, to.folder], introduction: introductionOf(from, to) };
  }
  const { number, folder, title, pain } = lesson;
  if (words.length > 1)
    throw new UsageError(`a lesson differs in itself, from wrong to right: tally diff ${number}`);
  return {
    folders: [`${folder}/wrong`, `${folder}/right`],
    introduction: `lesson ${number}, ${title}: wrong → right\nremoves the pain "${pain}"\n`,
  };
}

function readPair(words: string[]): [Step, Step] {
  if (words.length === 0 || words.length > 2)
    throw new UsageError('two steps are needed, or one to compare with the next: tally diff 5 6');
  if (words.includes('src')) throw new UsageError(FINISHED);
  const from = readStep(words[0]!);
  if (words[1] === undefined && from.number === STEPS.length)
    throw new UsageError(`step ${from.number} is the last; ${FINISHED}`);
  const to = words[1] === undefined ? stepOf(from.number + 1) : readStep(words[1]);
  if (from === to)
    throw new UsageError(`step ${from.number} does not differ from itself; tally diff 5 6 compares two`);
  return [from, to];
}

function introductionOf(from: Step, to: Step): string {
  const heading = `step ${from.number} → step ${to.number}: ${from.title} → ${to.title}`;
  if (from.number > to.number) return `${heading}\nbackwards: brings back the pain "${to.pain}"\n`;
  const removed = STEPS.slice(from.number - 1, to.number - 1).map(({ pain }) => `"${pain}"`);
  return `${heading}\nremoves the pain ${listed(removed)}; brings "${to.pain}"\n`;
}

/** Shows the files as Git shows two commits, with its pager and colours, even if they are not committed. */
async function show(
  folders: readonly [string, string],
  withChapter: boolean,
  flags: string[],
): Promise<number> {
  const repository = mkdtempSync(join(tmpdir(), 'tally-diff-'));
  // Ctrl+C belongs to the pager. The temporary repository is removed whenever this process ends.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => process.exit(128 + constants.signals[signal]));
  process.on('exit', () => rmSync(repository, { recursive: true, force: true }));
  const trees = treesIn(repository, folders);
  const prefixes = [`--src-prefix=${folders[0]}/`, `--dst-prefix=${folders[1]}/`];
  const paths = withChapter ? [] : ['--', '.', `:(exclude)${CHAPTER}`];
  const args = [`--git-dir=${repository}`, 'diff', ...prefixes, ...flags, ...trees, ...paths];
  const child = spawn('git', args, { cwd: repository, env: gitEnvironment(), stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.on('error', error => reject(new CommandError(error.message)));
    child.on('exit', (exitCode, signal) => {
      // A signal, or 141 because the pager was closed: the reader has quit.
      if (signal !== null || exitCode === 0 || exitCode === 141) resolve(0);
      else reject(new CommandError(`git diff ended with ${exitCode}`));
    });
  });
}

/** The folders in their present state, in a temporary repository. */
function treesIn(repository: string, folders: readonly string[]): string[] {
  git(['-c', 'init.defaultBranch=main', 'init', '--quiet', '--bare', '--template=', repository]);
  const here = ['-c', 'core.autocrlf=false', '-c', 'core.bare=false', `--git-dir=${repository}`];
  return folders.map(folder => {
    git([...here, 'read-tree', '--empty']);
    // `--force`, because the reader's global ignore rules may match a file here.
    git([...here, `--work-tree=${ROOT}steps/${folder}`, 'add', '--all', '--force', `${ROOT}steps/${folder}`]);
    return git([...here, 'write-tree']);
  });
}

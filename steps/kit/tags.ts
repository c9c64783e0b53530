/**
 * `tally tags`: creates the git tags step-00 to step-10 from the folders of the last commit. They form a chain of
 * commits whose trees hold only the files of a step, at the root, so that the difference between two is exactly the
 * lesson. Author, date and message are fixed, so that every clone gets the same hashes.
 */

import { CommandError, runCommand } from '../../src/cli/terminal/command.ts';
import { printForMachines } from '../../src/cli/terminal/output.ts';
import { readSwitches, UsageError } from '../../src/cli/terminal/usage.ts';
import { git, tryGit, whyNoRepository } from './git.ts';
import { STEPS } from './manifest.ts';

const SWITCHES = ['--list', '--dry-run', '--json'] as const;

const HELP = `tally tags: cut the git tags step-00 to step-${STEPS.length} from the folders in steps/, as they were last committed.

  tally tags             cut those that are missing
  tally tags --list      say which are there and which are not, and cut none (or --dry-run)
  tally tags --json      the same as each, for a program

A tag holds one step's files and nothing else; every clone gets the same hashes. A tag of such a name that points at
something else is left alone. Exit codes: 0 all are there, 1 one is something else or could not be cut, 2 wrong usage.
`;

const AUTHOR = 'Tally <tally@example.invalid>';
/** The time of the first commit: the start of 2025. Each later one is a minute later. */
const FIRST_AT_S = 1_735_689_600;
const SECONDS_BETWEEN = 60;
const CONTRACT = {
  folder: '00-contract',
  title: 'the contract',
  message: 'What every server of the path says and hears, before any code.\n',
};

type State = 'there' | 'missing' | 'cut' | 'other';

interface Tag {
  name: string;
  title: string;
  /** The hash it has, or would have. */
  hash: string;
  state: State;
  /** What the existing tag points at, if that is something else. */
  pointsAt?: string;
}

export function tagsCommand(args: string[]): Promise<void> {
  return runCommand('tags', HELP, args, () => {
    const { words, on } = readSwitches('tags', args, SWITCHES);
    if (words.length > 0)
      throw new UsageError(`${words[0]} is one word too many: tally tags cuts all of them, or none`);
    const isDry = on.has('--list') || on.has('--dry-run');
    const commit = lastCommit();
    const tags = plannedTags(commit, isDry);
    warnOfChanges();
    if (!isDry) for (const tag of tags) if (tag.state === 'missing') cut(tag);
    if (on.has('--json')) printForMachines(`${JSON.stringify({ commit, tags }, null, 2)}\n`);
    else process.stdout.write(table(tags, isDry));
    const others = tags.filter(({ state }) => state === 'other');
    process.stderr.write(explanation(others));
    return others.length === 0 ? 0 : 1;
  });
}

function lastCommit(): string {
  const why = whyNoRepository();
  if (why?.startsWith('not a git repository'))
    throw new CommandError('this is not a git checkout: clone the repository, and run it there');
  if (why !== undefined) throw new CommandError(`git refuses this checkout: ${why}`);
  const commit = tryGit(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}']);
  if (commit === undefined) throw new CommandError('there is no commit yet to cut tags from');
  return commit;
}

/** The tags are made of committed files and compiled names: warns if these differ from the working tree. */
function warnOfChanges(): void {
  const paths = [CONTRACT, ...STEPS].map(({ folder }) => `steps/${folder}`);
  const changed = tryGit(['status', '--porcelain', '--', ...paths, 'steps/kit/manifest.ts']);
  if (changed !== undefined && changed !== '')
    process.stderr.write('tally tags: steps/ has uncommitted changes; tags are cut from the last commit\n');
  const manifest = tryGit(['show', 'HEAD:./steps/kit/manifest.ts']) ?? '';
  const isCompiled = STEPS.every(step =>
    [step.title, step.lesson, step.pain].every(text => manifest.includes(text)),
  );
  if (!isCompiled)
    process.stderr.write(
      'tally tags: steps/kit/manifest.ts of the last commit is not the one that runs here, so the hashes are not ' +
        'those of other clones; npm run build\n',
    );
}

/** In order, each the parent of the next. On a dry run, Git computes the hashes without writing. */
function plannedTags(commit: string, isDry: boolean): Tag[] {
  const existing = existingTags();
  let parent: string | undefined;
  return [CONTRACT, ...STEPS].map((step, number) => {
    const tree = tryGit(['rev-parse', '--verify', '--quiet', `HEAD:./steps/${step.folder}`]);
    if (tree === undefined)
      throw new CommandError(
        `steps/${step.folder} is not in the last commit, ${commit.slice(0, 12)}: commit it first`,
      );
    const message = 'message' in step ? step.message : messageOf(step);
    const text = commitText(tree, parent, number, `Step ${number}: ${step.title}\n\n${message}`);
    const hash = git(['hash-object', '-t', 'commit', ...(isDry ? [] : ['-w']), '--stdin'], text);
    parent = hash;
    const name = `step-${String(number).padStart(2, '0')}`;
    const found = existing.get(name);
    if (found === undefined) return { name, title: step.title, hash, state: 'missing' };
    if (found.hash === hash) return { name, title: step.title, hash, state: 'there' };
    return {
      name,
      title: step.title,
      hash,
      state: 'other',
      pointsAt: `${found.hash.slice(0, 12)} "${found.subject}"`,
    };
  });
}

/**
 * The bytes of the commit object: what `git commit-tree` would write, independent of the names, encodings and
 * signatures that the reader has configured.
 */
function commitText(tree: string, parent: string | undefined, number: number, message: string): string {
  const at = `${FIRST_AT_S + number * SECONDS_BETWEEN} +0000`;
  return [
    `tree ${tree}`,
    ...(parent === undefined ? [] : [`parent ${parent}`]),
    `author ${AUTHOR} ${at}`,
    `committer ${AUTHOR} ${at}`,
    '',
    message,
  ].join('\n');
}

function messageOf({ builds, lesson, pain }: (typeof STEPS)[number]): string {
  return `What it does: ${builds}.\nIts pain: ${pain}.\n\n${lesson}\n`;
}

/** An annotated tag counts as the commit it points at. */
function existingTags(): Map<string, { hash: string; subject: string }> {
  const format = '%(refname:lstrip=2)%00%(objectname)%00%(*objectname)%00%(subject)';
  const lines = git(['for-each-ref', `--format=${format}`, 'refs/tags/step-*']).split('\n');
  return new Map(
    lines.filter(Boolean).map(line => {
      const [name, hash, peeled, subject] = line.split('\0') as [string, string, string, string];
      return [name, { hash: peeled || hash, subject }];
    }),
  );
}

/** Creates the tag only if there still is none: another `tally tags` may have created it meanwhile. */
function cut(tag: Tag): void {
  const update = ['update-ref', `refs/tags/${tag.name}`, tag.hash, ''];
  if (tryGit(update) === undefined && existingTags().get(tag.name)?.hash !== tag.hash) git(update);
  tag.state = 'cut';
}

function table(tags: Tag[], isDry: boolean): string {
  const said: Record<State, string> = {
    there: 'is there',
    missing: 'would be cut',
    cut: 'cut',
    other: 'left alone: it is something else',
  };
  const titleColumns = Math.max(...tags.map(({ title }) => title.length));
  const rows = tags.map(
    ({ name, hash, title, state }) =>
      `${name}  ${hash.slice(0, 12)}  ${title.padEnd(titleColumns)}  ${said[state]}`,
  );
  const isDone = !isDry && tags.every(({ state }) => state === 'there');
  return `${rows.join('\n')}\n\n${isDone ? 'All were there: nothing has changed.\n' : ''}${isDry ? '' : USAGE}`;
}

const USAGE = `read one:     git worktree add ../step-05 step-05
compare two:  git diff step-05 step-06 -- '*.ts'
`;

function explanation(others: Tag[]): string {
  if (others.length === 0) return '';
  const lines = others.map(
    ({ name, hash, pointsAt }) =>
      `tally tags: ${name} points at ${pointsAt}; it would be ${hash.slice(0, 12)}\n`,
  );
  const names = others.map(({ name }) => name).join(' ');
  return `${lines.join('')}tally tags: to have ${others.length === 1 ? 'it' : 'them'} cut: git tag -d ${names}, and again tally tags\n`;
}

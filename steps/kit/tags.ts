/**
 * `tally tags`: creates the git tags step-00 to step-10 from the folders of the last commit, and step-11, step-11-right and
 * so on for lessons. Those of the steps form a chain of commits whose trees hold only the files of a step, at the root, so
 * that the difference between two is exactly the lesson; each lesson is a branch of two from the last of them. Author,
 * date and message are fixed, so that every clone gets the same hashes.
 */

import { CommandError, runCommand } from '../../src/cli/terminal/command.ts';
import { printForMachines } from '../../src/cli/terminal/output.ts';
import { readSwitches, UsageError } from '../../src/cli/terminal/usage.ts';
import type { Lesson } from '../lesson-kit/lesson.ts';
import { LESSONS } from '../lesson-kit/lessons.ts';
import { git, tryGit, whyNoRepository } from './git.ts';
import { STEPS } from './manifest.ts';

const SWITCHES = ['--list', '--dry-run', '--json'] as const;

const HELP = `tally tags: cut the git tags step-00 to step-${STEPS.length} from the folders in steps/, as they were last committed, and
for each lesson two: step-${LESSONS[0]!.number}, the wrong server, and step-${LESSONS[0]!.number}-right.

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
const MANIFEST = 'steps/kit/manifest.ts';
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
  const paths = [CONTRACT, ...STEPS, ...LESSONS].map(({ folder }) => `steps/${folder}`);
  const changed = tryGit(['status', '--porcelain', '--', ...paths, MANIFEST]);
  if (changed !== undefined && changed !== '')
    process.stderr.write('tally tags: steps/ has uncommitted changes; tags are cut from the last commit\n');
  const named = [
    ...STEPS.map(({ title, lesson, pain }) => ({ file: MANIFEST, texts: [title, lesson, pain] })),
    ...LESSONS.map(({ folder, title, pain, painLesson }) => ({
      file: `steps/${folder}/lesson.ts`,
      texts: [title, pain, painLesson],
    })),
  ];
  const committed = new Map(
    [...new Set(named.map(({ file }) => file))].map(file => [file, tryGit(['show', `HEAD:./${file}`]) ?? '']),
  );
  const stale = named.find(({ file, texts }) => !texts.every(text => committed.get(file)!.includes(text)));
  if (stale !== undefined)
    process.stderr.write(
      `tally tags: ${stale.file} of the last commit is not the one that runs here, so the hashes are not ` +
        'those of other clones; npm run build\n',
    );
}

/** What a tag is made of. */
interface Cut {
  name: string;
  title: string;
  /** The first line of its message, and the rest. */
  subject: string;
  message: string;
  atS: number;
  tree(isDry: boolean): string;
  /** The name of the tag that it follows. */
  after: string | undefined;
}

function cuts(commit: string): Cut[] {
  const nameOf = (number: number) => `step-${String(number).padStart(2, '0')}`;
  const steps = [CONTRACT, ...STEPS].map((step, number) => ({
    name: nameOf(number),
    title: step.title,
    subject: `Step ${number}: ${step.title}`,
    message: 'message' in step ? step.message : messageOf(step),
    atS: FIRST_AT_S + number * SECONDS_BETWEEN,
    tree: () => objectAt(step.folder, commit),
    after: number === 0 ? undefined : nameOf(number - 1),
  }));
  const lessons = LESSONS.flatMap(lesson =>
    (['wrong', 'right'] as const).map(side => {
      const name = nameOf(lesson.number);
      const isWrong = side === 'wrong';
      return {
        name: isWrong ? name : `${name}-right`,
        title: `${lesson.title}, ${side}`,
        subject: `Lesson ${lesson.number}: ${lesson.title}, ${side}`,
        message: lessonMessage(lesson, side),
        atS: FIRST_AT_S + lesson.number * SECONDS_BETWEEN + (isWrong ? 0 : SECONDS_BETWEEN / 2),
        tree: (isDry: boolean) => treeOfSide(lesson, side, commit, isDry),
        after: isWrong ? nameOf(STEPS.length) : name,
      };
    }),
  );
  return [...steps, ...lessons];
}

function objectAt(path: string, commit: string): string {
  const hash = tryGit(['rev-parse', '--verify', '--quiet', `HEAD:./steps/${path}`]);
  if (hash !== undefined) return hash;
  throw new CommandError(`steps/${path} is not in the last commit, ${commit.slice(0, 12)}: commit it first`);
}

/** The files of one of the two servers, and the chapter. */
function treeOfSide({ folder }: Lesson, side: 'wrong' | 'right', commit: string, isDry: boolean): string {
  const lines = git(['ls-tree', objectAt(`${folder}/${side}`, commit)]).split('\n');
  const entries = lines.map(line => {
    const [, mode, hash, name] = /^(\d+) \w+ (\w+)\t(.+)$/.exec(line)!;
    return { mode: mode!, hash: hash!, name: name! };
  });
  const name = 'README.md';
  entries.push({ mode: '100644', hash: objectAt(`${folder}/${name}`, commit), name });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const bytes = Buffer.concat(
    entries.flatMap(({ mode, hash, name }) => [Buffer.from(`${mode} ${name}\0`), Buffer.from(hash, 'hex')]),
  );
  return git(['hash-object', '-t', 'tree', ...(isDry ? [] : ['-w']), '--stdin'], bytes);
}

/** In order; each follows one before it. On a dry run, Git computes the hashes without writing. */
function plannedTags(commit: string, isDry: boolean): Tag[] {
  const existing = existingTags();
  const hashes = new Map<string | undefined, string>();
  return cuts(commit).map(({ name, title, subject, message, atS, tree, after }) => {
    const text = commitText(tree(isDry), hashes.get(after), atS, `${subject}\n\n${message}`);
    const hash = git(['hash-object', '-t', 'commit', ...(isDry ? [] : ['-w']), '--stdin'], text);
    hashes.set(name, hash);
    const found = existing.get(name);
    if (found === undefined) return { name, title, hash, state: 'missing' };
    if (found.hash === hash) return { name, title, hash, state: 'there' };
    return {
      name,
      title,
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
function commitText(tree: string, parent: string | undefined, atS: number, message: string): string {
  const at = `${atS} +0000`;
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

function lessonMessage({ wrong, right, pain, painLesson }: Lesson, side: 'wrong' | 'right'): string {
  const does = side === 'wrong' ? wrong : right;
  const hurts = side === 'wrong' ? `Its pain: ${pain}` : `Mended: ${pain}`;
  return `What it does: ${does}.\n${hurts}.\n\n${painLesson}\n`;
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
  const nameColumns = Math.max(...tags.map(({ name }) => name.length));
  const rows = tags.map(
    ({ name, hash, title, state }) =>
      `${name.padEnd(nameColumns)}  ${hash.slice(0, 12)}  ${title.padEnd(titleColumns)}  ${said[state]}`,
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

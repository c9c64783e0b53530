/** `tally roadmap`: the path as tasks: lists them, shows one, or writes them into the reader's repository. */

import { painterFor } from '../../../src/cli/terminal/colours.ts';
import { Exit, runCommand } from '../../../src/cli/terminal/command.ts';
import { printForMachines } from '../../../src/cli/terminal/output.ts';
import { readableColumns, wrappedMarkdown } from '../../../src/cli/terminal/prose.ts';
import { quoteIfNeeded } from '../../../src/cli/terminal/quoting.ts';
import { readArgs, UsageError } from '../../../src/cli/terminal/usage.ts';
import {
  CALL,
  callFrom,
  checkoutBeside,
  checkoutFrom,
  isInside,
  type Place,
  placed,
  SERVER,
} from './elsewhere.ts';
import { writeFiles } from './folder.ts';
import { issuesScript } from './issues.ts';
import { folded, readTasks, type Task, taskOf } from './task.ts';

const HELP = `tally roadmap: the path as tasks to work through, one a step: goal, tasks, acceptance, hints.

  tally roadmap                     lists them
  tally roadmap 3                   one of them: 0 (set-up), 1 to 10, src (behind the last step), or a lesson
  tally roadmap 3 --hint 1          a hint of it, 1 to 3; the third says most
  tally roadmap --markdown tasks    writes them as Markdown files into a folder, and overwrites nothing that differs
  tally roadmap --gh                prints a shell script that makes an issue of each with GitHub's gh:
      tally roadmap --gh --repo you/events --cmd 'go run .' > issues.sh
      sh issues.sh

With numbers, only those: tally roadmap 1 2 3 --gh.

  --cmd COMMAND       the command that starts your server, in place of ${SERVER}
  --tally COMMAND     how Tally is called. Without it: ${CALL} in its checkout; elsewhere, and in what is written for
                      another repository, node and the way to the checkout from the current folder
                      (from inside of it, as if yours lay beside: ${callFrom('../tally')})
  --base URL          where Tally's files can be read, for links, as https://github.com/OWNER/tally/blob/main;
                      without it they become the command that shows the file in the checkout
  --repo OWNER/NAME   with --gh: whose issues; without it, those of the folder where the script is run
  --label NAME        with --gh: a label for all of them, made if it is not there
  --json              for machines

The tasks are the files of docs/course/roadmap. Exit codes: 0 done, 1 could not be done, 2 wrong usage.
`;

const OPTIONS = {
  hint: { type: 'string' },
  markdown: { type: 'string' },
  gh: { type: 'boolean' },
  repo: { type: 'string' },
  label: { type: 'string' },
  tally: { type: 'string' },
  cmd: { type: 'string' },
  base: { type: 'string' },
  json: { type: 'boolean' },
} as const;

/** Control and format characters, including line ends. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\u2028\u2029]/u;

type Values = ReturnType<typeof read>['values'];

export function roadmapCommand(args: string[]): Promise<void> {
  return runCommand('roadmap', HELP, args, () => {
    const { values } = read(args);
    const print = values.gh || values.json ? printForMachines : (text: string) => process.stdout.write(text);
    print(roadmap(args, process.cwd()));
    return Exit.ok;
  });
}

/** The output, when it is called in the folder `here`. */
export function roadmap(args: string[], here: string): string {
  const { values, positionals } = read(args);
  const all = readTasks();
  const tasks = positionals.length === 0 ? all : [...new Set(positionals.map(text => taskOf(all, text)))];
  return output(tasks, positionals.length > 0, values, here);
}

function read(args: string[]) {
  const { values, positionals } = readArgs('roadmap', args, OPTIONS);
  const { gh, markdown, repo, label, base, hint } = values;
  if (gh && markdown !== undefined) throw new UsageError('--gh and --markdown exclude each other');
  if (gh && values.json)
    throw new UsageError('--gh prints a script; the same for programs is tally roadmap --json');
  for (const [name, value] of Object.entries({ repo, label }))
    if (value !== undefined && !gh) throw new UsageError(`--${name} goes with --gh`);
  for (const [name, value] of Object.entries({ markdown, tally: values.tally, cmd: values.cmd, label }))
    if (value !== undefined && (value.trim() === '' || UNPRINTABLE.test(value)))
      throw new UsageError(`--${name} is empty, or more than a line of plain characters`);
  // gh would take a leading dash for a flag.
  if (repo !== undefined && !/^(?:(?!-)[\w.-]+\/)?(?!-)[\w.-]+\/(?!-)[\w.-]+$/.test(repo))
    throw new UsageError(`--repo ${quoteIfNeeded(repo)} is not OWNER/NAME`);
  if (label?.startsWith('-')) throw new UsageError(`--label ${label} begins like a flag`);
  if (label?.includes(',')) throw new UsageError('--label takes one label, without a comma');
  if (values.cmd?.includes('`'))
    throw new UsageError('--cmd has a backtick, at which code ends in Markdown; $(…) does the same');
  if (base !== undefined && baseOf(base) === undefined)
    throw new UsageError(
      `--base ${quoteIfNeeded(base)} is not an address for links, such as https://github.com/OWNER/tally/blob/main; ` +
        'it has none of ? # ( )',
    );
  if (hint !== undefined && (positionals.length !== 1 || gh || values.json || markdown !== undefined))
    throw new UsageError('--hint goes with one task, and nothing else: tally roadmap 3 --hint 1');
  return { values, positionals };
}

function output(tasks: Task[], isChosen: boolean, values: Values, here: string): string {
  const { gh, markdown: folder, json, hint } = values;
  const isForElsewhere = gh === true || folder !== undefined;
  const place = placeOf(values, here, isForElsewhere, folder !== undefined && !isChosen);
  const texts = tasks.map(task => ({ ...task, markdown: placed(task.markdown, place) }));
  if (folder !== undefined) return inFolder(here, folder, texts, place, json === true);
  if (gh) return issuesScript(texts.map(issueOf), values);
  if (json) return `${JSON.stringify({ tasks: texts }, null, 2)}\n`;
  if (hint !== undefined) return shown(hintOf(tasks[0]!, hint, place));
  if (!isChosen) return list(tasks, place);
  return texts
    .map(({ markdown, subject }) =>
      shown(folded(markdown, at => `${place.tally} roadmap ${subject} --hint ${at}`)),
    )
    .join('\n');
}

function placeOf(
  { tally, cmd, base }: Values,
  here: string,
  isForElsewhere: boolean,
  hasSiblings: boolean,
): Place {
  const isHere = isInside(here) && !isForElsewhere;
  const checkout = isInside(here) && isForElsewhere ? checkoutBeside() : checkoutFrom(here);
  return {
    tally: tally ?? (isHere ? CALL : callFrom(checkout)),
    cmd,
    base: base && baseOf(base),
    checkout,
    hasSiblings,
  };
}

/** A base address for links, to be followed by a path; undefined if it is invalid. */
function baseOf(text: string): string | undefined {
  if (!/^https?:\/\/[^\s?#()<>]+$/i.test(text) || !URL.canParse(text)) return undefined;
  return new URL(text).href.replace(/\/+$/, '');
}

/** The title is an issue's own. */
function issueOf({ title, markdown }: Task): { title: string; body: string } {
  return { title, body: markdown.replace(/^# .+\n+/, '') };
}

function inFolder(
  here: string,
  folder: string,
  tasks: readonly Task[],
  place: Place,
  isJson: boolean,
): string {
  const files = new Map(tasks.map(({ file, markdown }) => [file, markdown]));
  if (place.hasSiblings) files.set('README.md', contents(tasks, place));
  const done = writeFiles(here, folder, files);
  if (isJson) return `${JSON.stringify(done)}\n`;
  const same = done.unchanged.length === 0 ? '' : `; ${done.unchanged.length} were there already`;
  return `${folder}: ${counted(done.written.length)} written${same}\n`;
}

function counted(files: number): string {
  return files === 1 ? '1 file' : `${files} files`;
}

/** The contents page of the folder. */
function contents(tasks: readonly Task[], { tally, checkout }: Place): string {
  const rows = tasks.map(({ file, title, goal }) => `- [ ] [${title}](${file}): ${goal}`);
  return [
    '# The path\n',
    'A TCP server, written ten times, each time wrong in one new way; then, in lessons, what goes wrong with real money.',
    'One task a step or lesson: predict, build, let it be checked, feel the pain, answer the questions. The hints unfold;',
    'the third says most.\n',
    `The commands are run in this repository's first folder. They call Tally as \`${tally}\`; it was found in`,
    `\`${checkout}\`, where \`npm ci\` has to be run once. [The first task](${tasks[0]!.file}) sets it up.\n`,
    ...rows,
    '',
  ].join('\n');
}

function hintOf({ hints, subject }: Task, text: string, place: Place): string {
  const hint = /^\d+$/.test(text) ? hints[Number(text) - 1] : undefined;
  if (hint === undefined)
    throw new UsageError(`task ${subject} has no hint ${text}; it has 1 to ${hints.length}`);
  return placed(`**${hint.title}**\n\n${hint.text}\n`, place);
}

function list(tasks: readonly Task[], { tally }: Place): string {
  const paint = painterFor(process.stdout, process.env);
  const rows = tasks.map(({ subject, title, goal }) => {
    const name = String(subject).padStart(3);
    return `${paint('bold', `${name}  ${title}`)}\n${wrappedMarkdown(`     ${goal}`, readableColumns(process.stdout))}\n`;
  });
  return `${rows.join('')}\none of them: ${tally} roadmap 3\nas issues, or files of your own: ${tally} roadmap --help\n`;
}

function shown(markdown: string): string {
  const paint = painterFor(process.stdout, process.env);
  return wrappedMarkdown(markdown, readableColumns(process.stdout)).replace(
    /^(?:#+ .+|\*\*.+\*\*)$/gm,
    line => paint('bold', line),
  );
}

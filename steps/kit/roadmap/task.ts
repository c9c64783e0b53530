/**
 * A task of the roadmap: a Markdown file in docs/course/roadmap. Its name, headings and hints are parsed here;
 * nothing of the files is repeated in code.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { CommandError } from '../../../src/cli/terminal/command.ts';
import { UsageError } from '../../../src/cli/terminal/usage.ts';
import { ROOT } from '../../../src/tools/harness/root.ts';
import { rangeOfLessons } from '../../lesson-kit/lessons.ts';
import { STEPS, type Subject } from '../manifest.ts';

export const ROADMAP_FOLDER = 'docs/course/roadmap';
const FINISHED = 'finished-server.md';
/** Each task has all of them, in this order. */
export const SECTIONS = [
  'Goal',
  'What you build',
  'Predict first',
  'Tasks',
  'Acceptance',
  'Hints',
  'Afterwards',
  'Read on',
] as const;

export interface Hint {
  title: string;
  text: string;
}

export interface Task {
  /** The step that is built; 0 is the setup, `src` follows the last step, and then come the lessons. */
  subject: Subject;
  file: string;
  title: string;
  goal: string;
  hints: readonly Hint[];
  /** All of it, as Markdown. */
  markdown: string;
}

const HINT = /^<details><summary>(.*?)<\/summary>\n\n([\s\S]*?)\n\n<\/details>$/gm;
/** After the last hint, the empty line before the next heading is kept. */
const HINT_AND_GAP = new RegExp(`${HINT.source}\\n(?:\\n(?=<))?`, 'gm');

export function readTasks(): Task[] {
  let files: string[];
  try {
    files = readdirSync(`${ROOT}${ROADMAP_FOLDER}`);
  } catch (error) {
    throw new CommandError(`the roadmap is not here: ${(error as Error).message}`);
  }
  return files
    .filter(file => /^\d\d-.*\.md$/.test(file) || file === FINISHED)
    .sort((a, b) => placeOf(a) - placeOf(b))
    .map(file => parseTask(file, readFileSync(`${ROOT}${ROADMAP_FOLDER}/${file}`, 'utf8')));
}

function placeOf(file: string): number {
  return file === FINISHED ? STEPS.length + 0.5 : Number(file.slice(0, 2));
}

/** Of the file of a task; undefined if it is none. */
export function subjectOf(file: string): Subject | undefined {
  if (file === FINISHED) return 'src';
  return /^\d\d-[^/]*\.md$/.test(file) ? placeOf(file) : undefined;
}

function parseTask(file: string, markdown: string): Task {
  return {
    subject: subjectOf(file)!,
    file,
    title: /^# (.+)$/m.exec(markdown)?.[1] ?? file,
    goal: sectionOf(markdown, 'Goal').replaceAll('\n', ' '),
    hints: [...markdown.matchAll(HINT)].map(([, title, text]) => ({ title: title!, text: text! })),
    markdown,
  };
}

/** The text under a heading; empty if there is none. */
export function sectionOf(markdown: string, heading: string): string {
  const start = markdown.indexOf(`\n## ${heading}\n`);
  if (start < 0) return '';
  const rest = markdown.slice(start + `\n## ${heading}\n`.length);
  const end = rest.indexOf('\n## ');
  return (end < 0 ? rest : rest.slice(0, end)).trim();
}

/** The task with its hints hidden. */
export function folded(markdown: string, askFor: (hint: number) => string): string {
  let number = 0;
  return markdown.replace(HINT_AND_GAP, (_, title: string) => {
    number += 1;
    return `- ${title}: \`${askFor(number)}\`\n`;
  });
}

export function taskOf(tasks: readonly Task[], text: string): Task {
  const wanted = /^0*\d{1,2}$/.test(text) ? Number(text) : text;
  const task = tasks.find(({ subject }) => subject === wanted);
  if (task === undefined)
    throw new UsageError(
      `there is no task ${text}: they are 0 to ${STEPS.length}, src and ${rangeOfLessons()}; tally roadmap lists them`,
    );
  return task;
}

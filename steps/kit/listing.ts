/** `tally steps`: the ten steps, how far the reader has come, and what to do next. */

import { homedir } from 'node:os';
import { type Paint, painterFor } from '../../src/cli/terminal/colours.ts';
import { runCommand } from '../../src/cli/terminal/command.ts';
import { printForMachines } from '../../src/cli/terminal/output.ts';
import { columnsOn } from '../../src/cli/terminal/terminal.ts';
import { readSwitches, UsageError } from '../../src/cli/terminal/usage.ts';
import { STEPS, type Step } from './manifest.ts';
import { DEEDS, type Deed, forget, type Progress, progressFile, readProgress } from './progress.ts';

const SWITCHES = ['--json', '--reset'] as const;

const HELP = `tally steps: the ten steps, what each teaches and what hurts in it, and how far you have come.

  tally steps            the list
  tally steps --json     the same, for a program
  tally steps --reset    forget how far you have come

ran: tally step N has started it. felt: tally pain N has shown you what hurts. passed: a server of your own has
passed tally check N. It is kept in ${tilde(progressFile())}
`;

/** Wide enough for all lines, also on wider terminals. */
const COLUMNS_MAX = 80;
const INDENT = 3;

export function stepsCommand(args: string[]): Promise<void> {
  return runCommand('steps', HELP, args, () => {
    const { words, on } = readSwitches('steps', args, SWITCHES);
    if (words.length > 0)
      throw new UsageError(`tally steps lists all of them; one is run by tally step ${words[0]}`);
    if (on.has('--reset')) return reset(on.has('--json'));
    const progress = readProgress();
    if (on.has('--json')) printForMachines(json(progress));
    else process.stdout.write(list(progress));
    return 0;
  });
}

function reset(isJson: boolean): number {
  const file = progressFile();
  const hasForgotten = forget();
  if (isJson) printForMachines(`${JSON.stringify({ file, forgotten: hasForgotten })}\n`);
  else if (hasForgotten) process.stdout.write(`forgotten: ${file} is removed\n`);
  else process.stdout.write(`there was nothing to forget: no ${file}\n`);
  return 0;
}

function list(progress: Progress): string {
  const { stdout, env } = process;
  return listing(progress, Math.min(columnsOn(stdout, COLUMNS_MAX), COLUMNS_MAX), painterFor(stdout, env));
}

/** The whole text. If a line has no room for both its parts, the second goes below. */
export function listing(progress: Progress, columns: number, paint: Paint): string {
  const titleColumns = INDENT + Math.max(...STEPS.map(({ title }) => title.length)) + 2;
  const steps = STEPS.map(step => {
    const head = `${String(step.number).padStart(INDENT - 1)} ${step.title}`;
    const done = DEEDS.filter(deed => progress.get(step.number)?.has(deed)).map(deed => `✓ ${deed}`);
    const isDone = done.length > 0;
    return [
      beside([head, paint('bold', head)], [step.pain, paint('red', step.pain)], titleColumns, columns),
      beside(
        [' '.repeat(INDENT) + step.lesson],
        [done.join(' '), paint('green', done.join(' '))],
        isDone ? columns - DONE_COLUMNS : 0,
        columns,
      ),
    ].join('');
  });
  const top = beside([' # step'], ['its pain, and below what the step teaches'], titleColumns, columns);
  return `${paint('dim', top.trimEnd())}\n${steps.join('')}\n${end(progress, paint)}`;
}

/** The width of all three. */
const DONE_COLUMNS = DEEDS.map(deed => `✓ ${deed}`).join(' ').length;

/** Two texts in a line, the second at a given column. Each is passed plain, to be measured, and painted. */
function beside(
  [left, leftPainted = left]: [string, string?],
  [right, rightPainted = right]: [string, string?],
  from: number,
  columns: number,
): string {
  if (right === '') return `${leftPainted}\n`;
  const gap = from - left.length;
  if (gap < 1 || from + right.length > columns)
    return `${leftPainted}\n${' '.repeat(INDENT)}${rightPainted}\n`;
  return `${leftPainted}${' '.repeat(gap)}${rightPainted}\n`;
}

function end(progress: Progress, paint: Paint): string {
  const { next, alternative } = nextOf(progress);
  return [
    `${paint('bold', 'next:')} ${next}\n`,
    alternative === undefined ? '' : `${paint('bold', 'or:')}   ${alternative}\n`,
    progress.size === 0
      ? ''
      : paint('dim', `kept in ${tilde(progressFile())}; tally steps --reset forgets it`),
    progress.size === 0 ? '' : '\n',
  ].join('');
}

/** What the reader should do next: the first step not yet run and felt; then the first not yet built; then the end. */
export function nextOf(progress: Progress): { next: string; alternative?: string } {
  const has = (number: number, deed: Deed) => progress.get(number)?.has(deed) === true;
  const unfelt = STEPS.find(({ number }) => !has(number, 'felt'));
  const unbuilt = STEPS.find(({ number }) => has(number, 'felt') && !has(number, 'passed'));
  const build = unbuilt && buildOf(unbuilt);
  if (unfelt !== undefined) {
    const { number } = unfelt;
    const hasRun = has(number, 'ran');
    const commands = [
      ...(number > 1 && !hasRun ? [`npx tally diff ${number - 1} ${number}`] : []),
      ...(hasRun ? [] : [`npx tally step ${number}`]),
      `npx tally pain ${number}`,
    ];
    const next = [commands.slice(0, -1).join(', '), commands.at(-1)]
      .filter(text => text !== '')
      .join(', then ');
    return build === undefined ? { next } : { next, alternative: build };
  }
  if (build !== undefined) return { next: build };
  return {
    next: 'npx tally serve, the finished server; docs/architecture.md says how it is made',
    alternative: 'npx tally lessons: the path goes on',
  };
}

function buildOf({ number }: Step): string {
  return `write step ${number} yourself, in any language: npx tally check ${number} --cmd '…'`;
}

function json(progress: Progress): string {
  const steps = STEPS.map(({ number, folder, title, builds, pain, lesson, painLesson, takes, more = [] }) => {
    const done = Object.fromEntries(DEEDS.map(deed => [deed, progress.get(number)?.has(deed) === true]));
    return { number, folder, title, builds, pain, lesson, painLesson, takes: [...takes, ...more], ...done };
  });
  return `${JSON.stringify({ file: progressFile(), steps, ...nextOf(progress) }, null, 2)}\n`;
}

function tilde(file: string): string {
  const home = homedir();
  return file.startsWith(`${home}/`) ? `~${file.slice(home.length)}` : file;
}

/** `tally lessons`: what comes after the ten steps, what each lesson needs, and how far the reader has come. */
import { type Paint, painterFor } from '../../src/cli/terminal/colours.ts';
import { runCommand } from '../../src/cli/terminal/command.ts';
import { printForMachines } from '../../src/cli/terminal/output.ts';
import { foldedFor } from '../../src/cli/terminal/prose.ts';
import { readSwitches, UsageError } from '../../src/cli/terminal/usage.ts';
import { DEEDS, type Progress, readProgress } from '../kit/progress.ts';
import { ENGINES, whatIsMissing } from './engines/engines.ts';
import { type Lesson, subjectsOf, wordOf } from './lesson.ts';
import { LESSONS } from './lessons.ts';

const SWITCHES = ['--json'] as const;
const INDENT = '   ';

const HELP = `tally lessons: the path from ${LESSONS[0]!.number} on, one lesson for each thing that goes wrong. Each has a wrong and a right server.

  tally lessons          the list: what hurts, what each needs, and how far you have come
  tally lessons --json   the same, for a program

One of them:

  tally lesson 11          run its wrong server; --right the other one
  tally pain 11            hurt it; --right: is it gone? --all: both side by side, and the finished server
  tally diff 11            what mends it
  tally race 11 11-right   what that costs
  tally check 11 --cmd 'python3 server.py'   does a server of your own speak as it must?

Some need an engine (Redis, PostgreSQL, NATS). It is started for them, on a free port, with files that go when it ends;
it only has to be installed. ran, felt and passed are as in tally steps, and forgotten with them.
`;

export function lessonsCommand(args: string[]): Promise<void> {
  return runCommand('lessons', HELP, args, () => {
    const { words, on } = readSwitches('lessons', args, SWITCHES);
    if (words.length > 0)
      throw new UsageError(`tally lessons lists all of them; one is run by tally lesson ${words[0]}`);
    const progress = readProgress();
    const { stdout, env } = process;
    if (on.has('--json')) printForMachines(json(progress));
    else stdout.write(foldedFor(stdout, list(progress, painterFor(stdout, env))));
    return 0;
  });
}

export function list(progress: Progress, paint: Paint): string {
  const lessons = LESSONS.map(lesson => {
    const { number, title, pain, wrong, right, painLesson } = lesson;
    const done = DEEDS.filter(deed => progress.get(number)?.has(deed)).map(deed => `✓ ${deed}`);
    return [
      `${paint('bold', `${number} ${title}`)}: ${paint('red', pain)}\n`,
      `${INDENT}wrong: ${wrong}\n${INDENT}right: ${right}\n${INDENT}${painLesson}\n`,
      needs(lesson) === '' ? '' : `${INDENT}${needs(lesson)}\n`,
      done.length === 0 ? '' : `${INDENT}${paint('green', done.join(' '))}\n`,
    ].join('');
  });
  return `${lessons.join('\n')}\n${paint('bold', 'next:')} ${nextOf(progress)}\n`;
}

/** `needs Redis (here)`; with what installs it, where it is not. */
export function needs({ engines }: Lesson): string {
  if (engines.length === 0) return '';
  const each = engines.map(name => {
    const { title } = ENGINES[name];
    const missing = whatIsMissing([name]);
    return missing === undefined ? `${title} (here)` : missing;
  });
  return `needs ${each.join('; ')}`;
}

/** The first that was not felt; then the first that the reader has not written; then the finished server. */
export function nextOf(progress: Progress): string {
  const has = (lesson: Lesson, deed: (typeof DEEDS)[number]) =>
    progress.get(lesson.number)?.has(deed) === true;
  const unfelt = LESSONS.find(lesson => !has(lesson, 'felt'));
  if (unfelt !== undefined) {
    const { number } = unfelt;
    return `npx tally pain ${number}, npx tally diff ${number}, then npx tally pain ${number} --right`;
  }
  const unbuilt = LESSONS.find(lesson => !has(lesson, 'passed'));
  return unbuilt === undefined
    ? 'npx tally serve, the finished server; docs/architecture.md says how it is made'
    : `write lesson ${unbuilt.number} yourself, in any language: npx tally check ${unbuilt.number} --cmd '…'`;
}

function json(progress: Progress): string {
  const lessons = LESSONS.map(lesson => {
    const { witness: _, question: __, race: ___, cases: ____, flags, finished: _____, ...data } = lesson;
    const missing = whatIsMissing(lesson.engines);
    return {
      ...data,
      flags: Object.keys(flags),
      servers: subjectsOf(lesson).map(subject => ({ step: wordOf(subject), way: subject.way })),
      isReady: missing === undefined,
      ...(missing !== undefined && { missing }),
      ...Object.fromEntries(DEEDS.map(deed => [deed, progress.get(lesson.number)?.has(deed) === true])),
    };
  });
  return `${JSON.stringify({ lessons, next: nextOf(progress) }, null, 2)}\n`;
}

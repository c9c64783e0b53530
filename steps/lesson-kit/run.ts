/** `tally lesson N`: a server of a lesson in the foreground, with the engines that it needs. */
import { CommandError, runCommand } from '../../src/cli/terminal/command.ts';
import { UsageError } from '../../src/cli/terminal/usage.ts';
import { chapterOf, HOST, PORT, portToTake, readFlags, runInForeground } from '../kit/foreground.ts';
import { remember } from '../kit/progress.ts';
import { choice, text, type Value, whole } from '../kit/values.ts';
import { ENGINES, settingOf, whatIsMissing } from './engines/engines.ts';
import { type Given, type Lesson, nameOf, type Side, type Subject, waysOf } from './lesson.ts';
import { LESSONS, rangeOfLessons, readLesson } from './lessons.ts';
import { Place } from './place.ts';
import { subjectArgs } from './sources.ts';
import { readWay } from './target.ts';

const HELP = `tally lesson N [flags]: run the wrong server of lesson N, or the right one, until Ctrl+C.

  tally lesson 11                          the wrong one, on port ${PORT}
  tally lesson 11 --right --data ./data    the right one, with a folder that outlives it

  --right        the right one
  --port PORT    where it listens, on ${HOST}; 0 finds a free one (${PORT})
  --data FOLDER  of a lesson that keeps something: where. Without it, a temporary folder, which goes when it ends
  --way NAME     of a server that goes several ways: which (tally lessons --json lists them)
${Object.values(ENGINES)
  .map(
    ({ name, title }) =>
      `  ${`--${settingOf(name)} URL`.padEnd(19)} of a lesson that needs ${title}: one that runs already. Without it, one is started`,
  )
  .join('\n')}
${LESSONS.flatMap(described).join('')}
Exit codes: the server's own; 128 and the signal's number if a signal ended it (Ctrl+C: 130); 1 it could not start,
2 wrong usage. tally lessons lists the lessons, and says what each needs.
`;

export function lessonCommand(args: string[]): Promise<void> {
  return runCommand('lesson', HELP, args, async ([which, ...rest]) => {
    if (which === undefined || which.startsWith('-'))
      throw new UsageError(`which one? tally lesson ${rangeOfLessons()}; tally lessons lists them`);
    const lesson = readLesson(which);
    const given = readFlags(`lesson ${lesson.number}`, takenBy(lesson), rest);
    const side: Side = given.has('--right') ? 'right' : 'wrong';
    const subject: Subject = { lesson, side, way: readWay(lesson, side, given.get('--way')) };
    return run(subject, given);
  });
}

/** Every flag that `tally lesson` takes of a lesson. */
export function takenBy(lesson: Lesson): Map<string, Value | undefined> {
  const { keepsData, ways, engines, companions = [], flags } = lesson;
  const names = [...new Set((['wrong', 'right'] as const).flatMap(side => waysOf(lesson, side)))];
  return new Map<string, Value | undefined>([
    ['--port', whole(0, 65_535)],
    ['--right', undefined],
    ...(keepsData ? [['--data', text('a folder')] as const] : []),
    ...(ways === undefined ? [] : [['--way', choice(...names.filter(name => name !== undefined))] as const]),
    ...[...engines, ...companions].map(name => [`--${settingOf(name)}`, text('an address')] as const),
    ...Object.entries(flags).map(([name, value]) => [`--${name}`, value] as const),
  ]);
}

async function run(subject: Subject, given: ReadonlyMap<string, string>): Promise<number> {
  const { lesson } = subject;
  const isWanted = (name: string) => !given.has(`--${settingOf(name)}`);
  const wanted = lesson.engines.filter(isWanted);
  const missing = whatIsMissing(wanted);
  if (missing !== undefined) throw new CommandError(`lesson ${lesson.number}: ${missing}`);
  const port = await portToTake(given.get('--port'));
  const place = await Place.open({
    folder: lesson.folder,
    engines: wanted,
    companions: (lesson.companions ?? []).filter(isWanted),
  });
  const isTemporary = lesson.keepsData && !given.has('--data');
  const own: Given = {
    ...place.addresses,
    ...(isTemporary && { data: place.folder() }),
    ...Object.fromEntries(
      [...given].flatMap(([flag, value]) =>
        ['--port', '--right', '--way'].includes(flag) ? [] : [[flag.slice(2), value]],
      ),
    ),
  };
  try {
    return await runInForeground({
      name: `lesson ${lesson.number}`,
      introduction: introduction(subject, port, own, isTemporary),
      args: subjectArgs(subject, port, own),
      onStart: () => remember(lesson.number, 'ran'),
    });
  } finally {
    await place.close();
  }
}

function introduction(subject: Subject, port: number, own: Given, isTemporary: boolean): string {
  const { lesson, side } = subject;
  const { number, folder, pain, engines, companions = [] } = lesson;
  const chapter = chapterOf(folder);
  const kept = isTemporary
    ? 'a temporary folder, which goes when it ends (--data FOLDER keeps one)'
    : own.data;
  return [
    `${nameOf(subject)}: ${lesson[side as 'wrong' | 'right']}`,
    `pain: ${pain} (npx tally pain ${number}${side === 'right' ? ' --right' : ''})${chapter === '' ? '' : `; chapter: ${chapter}`}`,
    ...(lesson.keepsData ? [`data: ${kept}`] : []),
    ...engines.map(name => `${ENGINES[name].title}: ${own[settingOf(name)]}`),
    ...companions.map(name => `${name}: ${own[settingOf(name)]}`),
    `talk: nc ${HOST} ${port}, then type {"user":"alice","action":"buy","amount":100}`,
    '',
  ].join('\n');
}

/** The flags that only this lesson has. */
function described({ number, flags }: Lesson): string[] {
  return Object.entries(flags).map(
    ([name, { values, meaning, usual }]) =>
      `  ${`--${name}`.padEnd(16)} ${values}; ${meaning} (${usual}); lesson ${number}\n`,
  );
}

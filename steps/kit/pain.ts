/** `tally pain`: runs a witness against a server, shows what happens, and says whether the pain is present. */

import { painterFor } from '../../src/cli/terminal/colours.ts';
import { Exit, exitOnSignals, runCommand } from '../../src/cli/terminal/command.ts';
import { readCount } from '../../src/cli/terminal/numbers.ts';
import { printForMachines } from '../../src/cli/terminal/output.ts';
import { canRepaint } from '../../src/cli/terminal/terminal.ts';
import { readArgs, UsageError } from '../../src/cli/terminal/usage.ts';
import type { Lesson } from '../lesson-kit/lesson.ts';
import { LESSONS, lessonIn, rangeOfLessons } from '../lesson-kit/lessons.ts';
import { lessonMatrix } from '../lesson-kit/matrix.ts';
import { variablesIn } from '../lesson-kit/sources.ts';
import { readTarget } from '../lesson-kit/target.ts';
import { tryLesson } from '../lesson-kit/trial.ts';
import { asideOf } from './asides.ts';
import { expectedOf, nameOf, readStep, STEPS, type Step, stepOf } from './manifest.ts';
import { pairs, type Row, runPair, tableHead, tableRow } from './matrix.ts';
import { questionOf, whetherOf } from './predictions.ts';
import type { Source } from './server.ts';
import { SOURCE_OPTIONS, sourceOf } from './sources.ts';
import { hintsIn, print, seconds, type Trial, tryOut } from './trial.ts';
import { WITNESS_MS_MAX, whyNot } from './witnesses/witness.ts';
import { witnessOf } from './witnesses/witnesses.ts';

const UNDECIDED = 3;
const paint = painterFor(process.stdout, process.env);
const OPTIONS = {
  ...SOURCE_OPTIONS,
  all: { type: 'boolean' },
  json: { type: 'boolean' },
  predict: { type: 'boolean' },
  times: { type: 'string' },
  right: { type: 'boolean' },
  way: { type: 'string' },
  lessons: { type: 'boolean' },
} as const;

const HELP = `tally pain N: start step N, hurt it, and see what happens.

  tally pain 5                     step 5 and its pain: ${stepOf(5).pain}
  tally pain 5 --step 6            is it gone in step 6? (1 to 10, or src, the finished server)
  tally pain 5 --cmd 'cargo run'   does a server of your own have that pain?
  tally pain 3 --connect :7878     does the server on that port? (pains 1, 2, 3, 6 and 8; the others must start it)
  tally pain --all                 every pain on every step, beside what should be: the matrix
  tally pain 5 --all               one row of it
  tally pain 5 --predict           asks first what you expect, and compares it with what was measured
  tally pain 11                    lesson 11 and its pain, in the wrong one of its two servers
  tally pain 11 --right            is it gone in the right one? (or --step 11-right; --step src, the finished server)
  tally pain 11 --all              all of them, side by side
  tally pain --all --lessons       the pains of all lessons

The pains:
${[...STEPS, ...LESSONS].map(({ number, pain }) => `  ${String(number).padStart(2)}  ${pain}`).join('\n')}

A command is run by a shell, without input. It must listen on 127.0.0.1, on the port in the variable PORT, and do as
WORKERS, QUEUE (places in the queue), WORK_US and WINDOW_US say: what an event costs before the balance is read, and
between reading and writing it, in µs, spent sleeping. Or write {port}, {workers}, {queue}, {work_us}, {window_us}
into the command. Of lessons, it gets what they need: DATA or {data}, a folder that outlives it; REDIS_URL or
{redis_url}, POSTGRES_URL or {postgres_url}, NATS_URL or {nats_url}, where the engine listens that was started for it.
And what only that lesson has:

${LESSONS.flatMap(variablesIn).join('\n')}

  --predict      one or two questions before it runs; an empty answer means no idea. Answers may be piped in, a line
                 each
  --json         for machines: one object a line; with --all one for each pair,
                 {"pain","step","expected","observed","evidence",…}; with --predict also "predictions",
                 and the questions go to stderr
  --times COUNT  with --all: the matrix that many times
  --way NAME     of a lesson whose server goes several ways: which (tally lessons lists them)

When a server has started, it has ${WITNESS_MS_MAX / 1_000} s, whatever it does: then there is a verdict, or why it can't be told.

Exit codes: 0 as it should be (in your own server: no pain), 1 not so, 2 wrong usage, 3 it can't be told, because a server
did not start, hung up, or said what has no meaning here, 130 ended by Ctrl+C.
`;

export function painCommand(args: string[]): Promise<void> {
  return runCommand('pain', HELP, args, async () => {
    exitOnSignals();
    try {
      return await pain(args);
    } catch (error) {
      if (error instanceof UsageError) throw error;
      process.stderr.write(`tally pain: it can't be told, because ${whyNot(error)}\n`);
      return UNDECIDED;
    }
  });
}

async function pain(args: string[]): Promise<number> {
  const options = readPain(args);
  const { isJson, isPredicted, times } = options;
  if (options.lessons !== undefined) return lessonMatrix(options.lessons, times, isJson);
  if (options.target !== undefined) return tryLesson(options.target, isJson, isPredicted);
  const { number, source } = options;
  if (number === undefined || source === undefined) return matrix(number, times, isJson);
  return tryOut(trialOf(number, source), isJson, isPredicted);
}

/** Reads and checks the arguments. Without a source, a target and lessons: the matrix, or one row of it. */
export function readPain(args: string[]) {
  const { values, positionals } = readArgs('pain', args, OPTIONS);
  const { all, predict, times, cmd, connect, step, right, way } = values;
  const [text, ...more] = positionals;
  if (more.length > 0) throw new UsageError(`one pain at a time, or --all; not ${positionals.join(' ')}`);
  const lesson = lessonIn(text);
  const number = text === undefined ? undefined : (lesson?.number ?? readPainNumber(text));
  if (all && predict)
    throw new UsageError('--predict asks about one pain: tally pain 5 --predict, without --all');
  if (all && [cmd, connect, step, right, way].some(value => value !== undefined))
    throw new UsageError(
      '--all runs every server of this repository; --cmd, --connect, --step, --right and --way go with one pain',
    );
  if (!all && number === undefined)
    throw new UsageError(
      `which pain? tally pain 1 to tally pain ${LESSONS.at(-1)!.number}, or tally pain --all`,
    );
  if (!all && times !== undefined) throw new UsageError('--times goes with --all');
  if (values.lessons && (!all || number !== undefined))
    throw new UsageError('--lessons goes with --all, and without a number: tally pain --all --lessons');
  if (lesson === undefined && (right || way !== undefined))
    throw new UsageError(`${right ? '--right' : '--way'} goes with a lesson: ${rangeOfLessons()}`);
  const lessons: readonly Lesson[] | undefined = values.lessons
    ? LESSONS
    : all && lesson !== undefined
      ? [lesson]
      : undefined;
  return {
    number,
    lessons,
    target: all || lesson === undefined ? undefined : readTarget(lesson, values),
    source: all || lesson !== undefined ? undefined : sourceOf(values, number),
    times: timesOf(times),
    isJson: values.json === true,
    isPredicted: predict === true,
  };
}

function readPainNumber(text: string): number {
  if (/^\d\d$/.test(text) && Number(text) > STEPS.length)
    throw new UsageError(
      `there is no pain ${text}: they are 1 to ${STEPS.length} and ${rangeOfLessons()}; tally lessons lists those`,
    );
  return readStep(text, 'pain').number;
}

function timesOf(text = '1'): number {
  const times = readCount(text) ?? 0;
  if (!Number.isInteger(times) || times < 1 || times > 1_000)
    throw new UsageError(`--times ${text} is not a number from 1 to 1000`);
  return times;
}

function trialOf(number: number, source: Source): Trial {
  const step = stepOf(number);
  const witness = witnessOf(number);
  const { subject, name } = source;
  if (witness.mustStart && !source.isStarted)
    throw new UsageError(
      `pain ${number} takes a server that is started anew with other settings: give --cmd, not --connect`,
    );
  const expected = subject === undefined ? 'absent' : expectedOf(number, subject);
  if (expected === undefined)
    throw new UsageError(
      `pain ${number} does not apply to ${nameOf(subject!)}: tally pain --all shows which do`,
    );
  return {
    pain: number,
    painName: step.pain,
    title: subject === undefined ? name : nameOf(subject),
    step: subject ?? name,
    expected,
    expectedBy: subject === undefined ? undefined : 'steps/kit/manifest.ts',
    question: questionOf(number),
    whether: whetherOf(number, step.pain, subject === number, name),
    run: say => witness.run(source, say),
    aside: subject === number ? asideOf(number) : undefined,
    closing: isPresent => next(step, source, isPresent),
  };
}

function next({ number, lesson, painLesson }: Step, { subject }: Source, isPresent: boolean): string {
  const mend = number === 10 ? 'src' : String(number + 1);
  const diff = number === 10 ? '' : `npx tally diff ${number} ${mend}, then `;
  const way = `${diff}npx tally pain ${number} --step ${mend}`;
  if (subject === undefined) return isPresent ? `  ${hintsIn(mend)}\n` : '';
  return `  What step ${number} taught: ${lesson}\n  What this pain teaches: ${painLesson}\n${subject === number ? `  What mends it: ${way}\n` : ''}`;
}

async function matrix(onlyPain: number | undefined, times: number, isJson: boolean): Promise<number> {
  const startMs = performance.now();
  const all: Row[] = [];
  for (let time = 0; time < times; time += 1)
    all.push(...(await (isJson ? jsonRows(onlyPain) : table(onlyPain))));
  const wrong = all.filter(({ expected, observed }) => expected !== observed);
  if (!isJson) {
    for (const { pain: number, step, expected, observed, evidence } of wrong)
      print(
        `  pain ${number} on ${nameOf(step)}: ${observed}, not ${expected}: ${JSON.stringify(evidence)}\n`,
      );
    const elapsed = seconds(performance.now() - startMs).trim();
    print(`${all.length - wrong.length} of ${all.length} as they should be, in ${elapsed}\n`);
  }
  return wrong.length === 0 ? Exit.ok : Exit.failed;
}

async function jsonRows(onlyPain: number | undefined): Promise<Row[]> {
  const rows: Row[] = [];
  for (const pair of pairs(onlyPain)) {
    const row = await runPair(pair);
    rows.push(row);
    printForMachines(`${JSON.stringify(row)}\n`);
  }
  return rows;
}

/** On a terminal that can be repainted the cells of a row appear one by one; elsewhere each row is printed when it is complete. */
async function table(onlyPain: number | undefined): Promise<Row[]> {
  const rows: Row[] = [];
  print(
    `${paint('dim', '● the pain shows   · it does not   (empty: it does not apply)')}\n\n${tableHead()}\n`,
  );
  for (const number of new Set(pairs(onlyPain).map(({ pain }) => pain))) {
    const found: Row[] = [];
    for (const pair of pairs(number)) {
      if (canRepaint(process.stdout)) print(`\r${tableRow(number, found, pair.step)}`);
      found.push(await runPair(pair));
    }
    print(`${canRepaint(process.stdout) ? '\r\x1b[K' : ''}${tableRow(number, found)}\n`);
    rows.push(...found);
  }
  print('\n');
  return rows;
}

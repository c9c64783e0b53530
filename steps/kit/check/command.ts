/** `tally check N`, from the arguments to the exit code. */
import { resolve } from 'node:path';
import { painterFor } from '../../../src/cli/terminal/colours.ts';
import { Exit, exitOnSignals, runCommand } from '../../../src/cli/terminal/command.ts';
import { printForMachines } from '../../../src/cli/terminal/output.ts';
import { ServerError } from '../../../src/tools/harness/server.ts';
import { Place } from '../../lesson-kit/place.ts';
import { stepOf } from '../manifest.ts';
import { remember } from '../progress.ts';
import { type CheckOptions, readCheckOptions } from './options.ts';
import { closing, printing, SILENT } from './report.ts';
import { type CheckResult, runStage, type StageResult } from './run.ts';
import { stageOf, stageOfLesson } from './stages.ts';
import { watchFolder } from './watch.ts';

export const CHECK_HELP = `tally check N: does your server do what step N must do? In any language.

  tally check 1 --cmd 'python3 server.py'
  tally check 4 --cmd 'cargo run --release -- --port {port}'
  tally check 5 --cmd 'go run . -port {port} -queue {queue}' --watch
  tally check 5 --connect 127.0.0.1:7878                   a server that runs already
  tally check 5 --step 6                                   a step of this repository, or src
  tally check 11 --cmd 'python3 server.py'                 does it speak as a server of lesson 11 must? (--right, --step)

It starts your server, speaks to it over TCP, and compares every reply with the contract (steps/00-contract), byte for
byte. It stops at the first check that fails, and shows what was sent, what was expected, what came instead, and one
hint. Checks of later steps contain those of earlier ones that still hold, and measure that the pains of the steps
before are gone. Write the next line, save, run it again.

What your server must do to be checked: listen on 127.0.0.1, on the port in the variable PORT, or where the command
says {port}; a start may take two minutes, for a compiler. From step 5 on some checks start it with a small queue or
with slow events, which it must take from the environment, or from the command:

  QUEUE      {queue}      events that the queue of each worker holds
  WORK_US    {work_us}    microseconds that each event costs before its balance is touched
  WINDOW_US  {window_us}  microseconds between reading a balance and writing it (steps 6 and up)
  WORKERS    {workers}    worker threads (steps 6 and up)
  WORK       {work}       block (sleep that long) or cpu (compute that long)

A server of a lesson is told of what the lesson needs, as tally pain --help says: DATA or {data}, REDIS_URL or
{redis_url}, LIMIT or {limit}, …

In step 10 it gets SIGTERM and SIGINT. With go, build first: go run hides the exit code.

  --cmd COMMAND     a command for a shell that starts the server
  --connect ADDR    a server that runs, at port or host:port; checks that must start it themselves are skipped
  --step M          a step of this repository, 1 to 10, or src; of a lesson N: N, N-right (or --right), and src where
                    the finished server has what the lesson is about
  --watch [FOLDER]  check again whenever a file under it changes (the current folder), and print only what is new,
                    and what fails; Ctrl+C ends it;
                    not with --connect: the server there is not started anew
  --quick           leave out the measuring of pains, which takes seconds; a step has passed only without it
  --strict          differences that only come from your JSON library (half a surrogate pair, very large numbers, deep
                    nesting, NaN) are mistakes; without it, notes
  --json            one JSON object instead of text: step, server, passed, checks
  --help            this text

Exit codes: 0 all passed, 1 a check failed or the server did not start, 2 wrong usage, 130 ended by Ctrl+C.
`;

export function checkCommand(args: string[]): Promise<void> {
  return runCommand('check', CHECK_HELP, args, () => {
    exitOnSignals();
    const options = readCheckOptions(args);
    return options.watch === undefined ? checkOnce(options) : checkOften(options);
  });
}

async function checkOften(options: CheckOptions): Promise<never> {
  const watcher = watchFolder(options.watch!);
  const out = options.isJson ? process.stderr : process.stdout;
  const seen: Seen = new Map();
  for (;;) {
    await checkOnce(options, seen);
    const folder = resolve(options.watch!);
    out.write(`\nWaiting for a change in ${folder} (another: --watch FOLDER). Ctrl+C ends.\n`);
    out.write(`\n${await watcher.changed()} has changed.\n\n`);
  }
}

/** The last result of each check that passed, as text, by its name. */
type Seen = Map<string, string>;

/** Of what was `seen` before, only what has changed is printed, and what fails. */
async function checkOnce(options: CheckOptions, seen: Seen = new Map()): Promise<number> {
  const { step, target, again, isJson, isQuick, isStrict } = options;
  const paint = painterFor(process.stdout, process.env);
  const title = target?.title ?? options.source!.name;
  const isNews = ({ name, passed, skipped, note }: CheckResult) => {
    const now = JSON.stringify([passed, skipped, note]);
    const isSeen = passed && seen.get(name) === now;
    seen.set(name, now);
    return !isSeen;
  };
  if (!isJson && seen.size === 0)
    process.stdout.write(`${headingOf(options, text => paint('bold', text))}: ${title}\n\n`);
  let result: StageResult;
  let place: Place | undefined;
  try {
    place = target && (await Place.open(target.lesson));
    result = await runStage(
      target === undefined ? stageOf(step) : stageOfLesson(target.lesson),
      target === undefined ? options.source! : target.sourceIn(place!),
      isQuick,
      isJson ? SILENT : printing(process.stdout, paint, isNews),
      isStrict,
    );
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    if (isJson) writeJson({ step, server: title, passed: false, error: error.message, checks: [] });
    else process.stderr.write(`tally check: ${error.message}\n`);
    return Exit.failed;
  } finally {
    await place?.close();
  }
  const { passed, checks, notRun } = result;
  if (isJson) {
    const texts = checks.map(({ transcript, note, ...check }) => ({
      ...check,
      ...(transcript && { transcript: transcript.join('\n') }),
      ...(note && { note: note.join('\n') }),
    }));
    writeJson({ step, server: title, passed, notRun, checks: texts });
  } else {
    process.stdout.write(closing(step, result, again, paint, target !== undefined));
  }
  const isWhole = checks.every(({ skipped }) => skipped === undefined);
  if (passed && isWhole && again !== '') remember(step, 'passed');
  return passed ? Exit.ok : Exit.failed;
}

function headingOf({ step, target }: CheckOptions, strong: (text: string) => string): string {
  return target === undefined
    ? `Step ${step}, ${strong(stepOf(step).title)}`
    : `Lesson ${step}, ${strong(target.lesson.title)}`;
}

function writeJson(value: object): void {
  printForMachines(`${JSON.stringify(value)}\n`);
}

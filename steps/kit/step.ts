/** `tally step N`: one of the ten servers in the foreground, with its own flags, signals and exit code. */
import { runCommand } from '../../src/cli/terminal/command.ts';
import { UsageError } from '../../src/cli/terminal/usage.ts';
import { lessonIn } from '../lesson-kit/lessons.ts';
import { chapterOf, HOST, PORT, portToTake, readFlags, runInForeground } from './foreground.ts';
import { FLAGS, readStep, STEPS, type Step } from './manifest.ts';
import { remember } from './progress.ts';
import { stepArgs } from './server.ts';
import { choice, type Value, whole } from './values.ts';

const STEPS_SPEAK_JSON_FROM = 3;

const VALUES: Record<string, Value | undefined> = {
  '--port': whole(0, 65_535),
  '--workers': whole(1, 64),
  '--queue': whole(1, 1_048_576),
  '--work-us': whole(0, 60_000_000),
  '--window-us': whole(0, 10_000_000),
  '--work': choice('block', 'cpu'),
  '--count': choice('padded', 'shared', 'lock'),
  '--unbounded': undefined,
};

const MEANINGS: Record<string, string> = {
  '--port': `where it listens, on ${HOST}; 0 finds a free one`,
  '--workers': 'threads that apply events',
  '--queue': 'events that each queue holds',
  '--work-us': 'µs that an event costs',
  '--window-us': 'µs between reading a balance and writing it',
  '--work': 'that cost is a slow call, or a computation',
  '--count': 'a number for each thread, for all, under a lock',
  '--unbounded': 'a queue without its bound',
};

const HELP = `tally step N [flags]: run step N, a server that is wrong on purpose, until Ctrl+C.

  tally step 1                            the first, on port ${PORT}
  tally step 5 --queue 64 --work-us 1000  a small queue, and events that cost 1 ms: see server_busy
  tally step 9 --port 0 --count lock      on a free port, counting under a lock

${Object.keys(MEANINGS).map(described).join('\n')}

Exit codes: the step's own; 128 and the signal's number if a signal ended it (Ctrl+C: 130); 1 it could not start,
2 wrong usage. tally steps lists the steps; the finished server is tally serve.
`;

export function stepCommand(args: string[]): Promise<void> {
  return runCommand('step', HELP, args, async ([which, ...rest]) => {
    if (which === undefined || which.startsWith('-'))
      throw new UsageError(`which one? tally step 1, to ${STEPS.length}; tally steps lists them`);
    if (which === 'src') throw new UsageError('src is the finished server: tally serve');
    if (lessonIn(which) !== undefined)
      throw new UsageError(`${which} is a lesson, of two servers: tally lesson ${which}`);
    const step = readStep(which);
    const taken = new Map(flagsOf(step).map(flag => [flag, VALUES[flag]]));
    const given = readFlags(`step ${step.number}`, taken, rest);
    const port = await portToTake(given.get('--port'));
    given.delete('--port');
    const flags = [...given].flatMap(([flag, value]) =>
      VALUES[flag] === undefined ? [flag] : [flag, value],
    );
    return runInForeground({
      name: `step ${step.number}`,
      introduction: introduction(step, port),
      args: stepArgs(step, port, {}, flags),
      onStart: () => remember(step.number, 'ran'),
    });
  });
}

/** Every flag that the step takes. */
export function flagsOf(step: Step): string[] {
  return ['--port', ...step.takes.map(name => FLAGS[name]), ...(step.more ?? [])];
}

function introduction({ number, folder, title, pain, lesson }: Step, port: number): string {
  const line = number < STEPS_SPEAK_JSON_FROM ? 'anything' : '{"user":"alice","action":"buy","amount":100}';
  const chapter = chapterOf(folder);
  const where = chapter === '' ? '' : `; chapter: ${chapter}`;
  return [
    `step ${number}, ${title}: ${lesson}`,
    `pain: ${pain} (npx tally pain ${number})${where}`,
    `talk: nc ${HOST} ${port}, then type ${line}`,
    '',
  ].join('\n');
}

function described(flag: string): string {
  return `  ${flag.padEnd(12)} ${(VALUES[flag]?.values ?? '').padEnd(20)}  ${MEANINGS[flag]}; ${takers(flag)}`;
}

/** `steps 6 to 10`: the steps that take a flag are consecutive. */
function takers(flag: string): string {
  const numbers = STEPS.filter(step => flagsOf(step).includes(flag)).map(({ number }) => number);
  if (numbers.length === STEPS.length) return 'all steps';
  return numbers.length === 1 ? `step ${numbers[0]}` : `steps ${numbers[0]} to ${numbers.at(-1)}`;
}

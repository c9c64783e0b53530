/** Reads and checks the arguments of `tally check`. */
import { existsSync, statSync } from 'node:fs';
import { quoteForShellIfNeeded } from '../../../src/cli/terminal/quoting.ts';
import { readArgs, UsageError } from '../../../src/cli/terminal/usage.ts';
import { lessonIn, rangeOfLessons } from '../../lesson-kit/lessons.ts';
import { readTarget, type Target } from '../../lesson-kit/target.ts';
import { readStep, STEPS } from '../manifest.ts';
import type { Source } from '../server.ts';
import { type Given, SOURCE_OPTIONS, sourceOf } from '../sources.ts';

export interface CheckOptions {
  /** The number of the step, or of the lesson. */
  step: number;
  /** Of a step. */
  source: Source | undefined;
  /** Of a lesson. */
  target: Target | undefined;
  /** The flags that name the reader's own server, for the next command; empty for a step of this repository. */
  again: string;
  isJson: boolean;
  /** Without the witnesses, which take seconds. */
  isQuick: boolean;
  /** What usual JSON libraries decide otherwise is a mistake. */
  isStrict: boolean;
  /** The folder in which a change starts the checks again. */
  watch: string | undefined;
}

const OPTIONS = {
  ...SOURCE_OPTIONS,
  json: { type: 'boolean' },
  quick: { type: 'boolean' },
  strict: { type: 'boolean' },
  watch: { type: 'string' },
  right: { type: 'boolean' },
} as const;
const EXAMPLE = "tally check 4 --cmd 'python3 server.py'";

export function readCheckOptions(args: string[]): CheckOptions {
  const { values, positionals } = readArgs('check', withFolder(args), OPTIONS);
  const [text, ...more] = positionals;
  if (text === undefined) throw new UsageError(`which step, from 1 to ${STEPS.length}? As in: ${EXAMPLE}`);
  if (more.length > 0)
    throw new UsageError(`${more[0]} is one too many; a command with spaces needs quotes: ${EXAMPLE}`);
  const lesson = lessonIn(text);
  const step = lesson?.number ?? readStep(text, 'step', `, and lessons ${rangeOfLessons()}`).number;
  if (values.right && lesson === undefined)
    throw new UsageError(`--right goes with a lesson: ${rangeOfLessons()}`);
  if (values.cmd?.trim() === '') throw new UsageError(`--cmd is empty; it needs a command: ${EXAMPLE}`);
  if (!values.right && [values.cmd, values.connect, values.step].every(value => value === undefined))
    throw new UsageError(`which server? --cmd '…' starts one, --connect finds one on a port: ${EXAMPLE}`);
  if (values.connect !== undefined && values.watch !== undefined)
    throw new UsageError(
      '--connect and --watch exclude each other: the server there is not started anew; give its command with --cmd',
    );
  return {
    step,
    source: lesson === undefined ? sourceOf(values) : undefined,
    target: lesson === undefined ? undefined : readTarget(lesson, values, false),
    again: againOf(values),
    isJson: values.json === true,
    isQuick: values.quick === true,
    isStrict: values.strict === true,
    watch: values.watch === undefined ? undefined : readFolder(values.watch),
  };
}

/** `--watch` takes a folder, but may stand alone. */
function withFolder(args: string[]): string[] {
  return args.flatMap((argument, index) => {
    const next = args[index + 1];
    const isAlone = next === undefined || next.startsWith('-') || /^\d+$/.test(next);
    return argument === '--watch' && isAlone ? ['--watch', '.'] : [argument];
  });
}

function againOf({ cmd, connect }: Given): string {
  if (cmd !== undefined) return `--cmd ${quoteForShellIfNeeded(cmd)}`;
  return connect === undefined ? '' : `--connect ${quoteForShellIfNeeded(connect)}`;
}

function readFolder(folder: string): string {
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    throw new UsageError(`--watch ${folder} is not a folder; without one, the current folder is watched`);
  return folder;
}

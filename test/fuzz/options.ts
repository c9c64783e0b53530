/** What the fuzzers are told on the command line. */
import { parseArgs } from 'node:util';

const LINES_DEFAULT = 1_000_000;
const BATCHES_DEFAULT = 200;
const COUNT_MAX = 1e12;
const SECONDS_MAX = 30 * 86_400;
const THREADS_MAX = 64;
const SEED_MAX = 2 ** 32 - 1;

export const HELP = `npm run fuzz -- [lines | cuts] [flags]

  lines        do the server's judges and JSON.parse agree on every line? (the default)
  cuts         are the replies to a batch of lines the same however it is cut into packets? Each batch is sent
               whole, cut in two at every byte, byte by byte, and cut in many by chance

  --lines N    how many lines (default ${LINES_DEFAULT})
  --batches N  how many batches (default ${BATCHES_DEFAULT})
  --seconds N  how long, instead of how many; with both, until the first of the two
  --seed N     the seed of what is made, from 0 to ${SEED_MAX} (default: random; it is printed)
  --threads N  how many threads, each with its share and a seed of its own (default 1)
  --keep       writes what was found to bench/results, if there was no difference
  --help       this text

What is found is made small, printed, and kept in test/corpus/found.json, which the tests replay.

Exit codes: 0 no difference, 1 a difference (the seed and the input are printed), 2 wrong usage.
`;

export class UsageError extends Error {}

export type Subject = 'lines' | 'cuts';

export interface Options {
  subject: Subject;
  /** Lines, or batches. */
  count: number;
  secondsMax: number;
  seed: number;
  threads: number;
  isKept: boolean;
  isHelp: boolean;
  /** What gives the same run again, as far as a clock allows. */
  command: string;
}

const FLAGS = {
  lines: { type: 'string' },
  batches: { type: 'string' },
  seconds: { type: 'string' },
  seed: { type: 'string' },
  threads: { type: 'string' },
  keep: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

export function readOptions(args: string[]): Options {
  const { values, subject } = readArgs(args);
  const unit = subject === 'lines' ? 'lines' : 'batches';
  const other = subject === 'lines' ? 'batches' : 'lines';
  if (values[other] !== undefined)
    throw new UsageError(`--${other} does not go with ${subject}; --${unit} says how many`);
  const fallback = values.seconds === undefined ? defaultOf(subject) : COUNT_MAX;
  const count = integer(`--${unit}`, values[unit], fallback, 1, COUNT_MAX);
  const secondsMax = integer('--seconds', values.seconds, SECONDS_MAX, 1, SECONDS_MAX);
  const seed = integer('--seed', values.seed, Math.floor(Math.random() * (SEED_MAX + 1)), 0, SEED_MAX);
  const threads = integer('--threads', values.threads, 1, 1, THREADS_MAX);
  if (count < threads) throw new UsageError(`--threads ${threads} is more than --${unit} ${count}`);
  const isKept = values.keep ?? false;
  const words = [
    `npm run fuzz -- ${subject}`,
    ...(count === COUNT_MAX ? [] : [`--${unit} ${count}`]),
    ...(values.seconds === undefined ? [] : [`--seconds ${secondsMax}`]),
    `--seed ${seed}`,
    ...(threads === 1 ? [] : [`--threads ${threads}`]),
    ...(isKept ? ['--keep'] : []),
  ];
  return {
    subject,
    count,
    secondsMax,
    seed,
    threads,
    isKept,
    isHelp: values.help ?? false,
    command: words.join(' '),
  };
}

function readArgs(args: string[]) {
  try {
    const { values, positionals } = parseArgs({ args, options: FLAGS, allowPositionals: true });
    const [subject = 'lines', ...more] = positionals;
    if ((subject !== 'lines' && subject !== 'cuts') || more.length > 0)
      throw new UsageError(`${positionals.join(' ')} is nothing to fuzz: lines or cuts`);
    return { values, subject: subject as Subject };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError((error as Error).message.split('\n')[0]!.replace(/\.$/, ''));
  }
}

function defaultOf(subject: Subject): number {
  return subject === 'lines' ? LINES_DEFAULT : BATCHES_DEFAULT;
}

function integer(flag: string, text: string | undefined, fallback: number, min: number, max: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new UsageError(`${flag} ${text} is not a whole number from ${min} to ${max}`);
  return value;
}

/**
 * The fuzzer: `npm run fuzz -- --lines 5000000 --seed 7`. Makes lines from a seed, has the server's judges and
 * the oracle say what each is, and stops at the first on which they differ, shrunk to what the difference needs.
 */
import { parseArgs } from 'node:util';
import { Choices, LINE_BYTES_MAX, LineMaker } from '../support/lines.ts';
import { KIND_NAMES, oracle, Subject } from '../support/oracle.ts';

const LINES_DEFAULT = 1_000_000;
const LINES_MAX = 1e12;
const SEED_MAX = 2 ** 32 - 1;
/** Lines between two looks at the clock. */
const PROGRESS_LINES = 10_000;
/** How far from the start of the desk a line may lie. */
const OFFSET_MAX = 64;

const HELP = `npm run fuzz -- [flags]: do the server's judges and JSON.parse agree on every line?

  --lines N    how many lines (default ${LINES_DEFAULT})
  --seed N     the seed of the lines, from 0 to ${SEED_MAX} (default: random; it is printed)
  --help       this text

Exit codes: 0 they agree, 1 they differ (the seed and the line are printed), 2 wrong usage.
`;

class UsageError extends Error {}

interface Options {
  lines: number;
  seed: number;
  isHelp: boolean;
}

function readOptions(args: string[]): Options {
  let values: { lines?: string; seed?: string; help?: boolean };
  try {
    const options = {
      lines: { type: 'string' },
      seed: { type: 'string' },
      help: { type: 'boolean' },
    } as const;
    values = parseArgs({ args, options }).values;
  } catch (error) {
    throw new UsageError((error as Error).message.split('\n')[0]!.replace(/\.$/, ''));
  }
  return {
    lines: integer('--lines', values.lines ?? String(LINES_DEFAULT), 1, LINES_MAX),
    seed: integer('--seed', values.seed ?? String(Math.floor(Math.random() * (SEED_MAX + 1))), 0, SEED_MAX),
    isHelp: values.help ?? false,
  };
}

function integer(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new UsageError(`${flag} ${text} is not a whole number from ${min} to ${max}`);
  return value;
}

/** Runs to the end or to the first difference; true if there was none. */
function fuzz({ lines, seed }: Options): boolean {
  // Most lines are wrong on purpose, and nobody reads the stack of their errors.
  Error.stackTraceLimit = 0;
  const startMs = performance.now();
  const subject = new Subject(LINE_BYTES_MAX + OFFSET_MAX + 2);
  const maker = new LineMaker(Choices.seeded(seed));
  const offsets = Choices.seeded(seed + 1);
  const counts = new Map<string, number>();
  for (let done = 1; done <= lines; done++) {
    const line = maker.next();
    const offset = offsets.below(OFFSET_MAX);
    const { complaint, kind } = subject.examine(line, subject.desk.start + offset);
    if (complaint !== undefined) {
      endProgress();
      report(subject, line, offset, complaint, `line ${done} of seed ${seed}`);
      return false;
    }
    const name = KIND_NAMES[kind]!;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    if (done % PROGRESS_LINES === 0) progress(done, lines, startMs);
  }
  endProgress();
  const kinds = [...counts]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, count]) => `${name} ${count}`);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(`${lines} lines, no difference (${kinds.join(', ')}), seed ${seed}, ${seconds} s`);
  return true;
}

function progress(done: number, lines: number, startMs: number): void {
  if (!process.stdout.isTTY) return;
  const rate = (done / (performance.now() - startMs)) * 1000;
  process.stdout.write(`\r\x1b[K${done} of ${lines} lines, ${Math.round(rate)} a second`);
}

function endProgress(): void {
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
}

function report(subject: Subject, line: Buffer, offset: number, complaint: string, where: string): void {
  console.log(`${where} (offset ${offset}): ${complaint}\n${described(line)}`);
  const small = shrunk(
    line,
    candidate => subject.complaint(candidate, subject.desk.start + offset) !== undefined,
  );
  const smallComplaint = subject.complaint(small, subject.desk.start + offset);
  if (smallComplaint === undefined)
    console.log('it does not happen again: it depends on what lies behind the line');
  else if (small.length < line.length) console.log(`shrunk: ${smallComplaint}\n${described(small)}`);
}

function described(line: Buffer): string {
  const { kind } = oracle(line);
  return `  line ${JSON.stringify(line.toString('latin1'))} (one character a byte)\n  hex  ${line.toString('hex')}\n  the oracle: ${KIND_NAMES[kind]}`;
}

/** Takes out bytes, many at a time at first, for as long as the difference remains. */
function shrunk(line: Buffer, isDifferent: (line: Buffer) => boolean): Buffer {
  let small = line;
  for (let cut = Math.max(1, line.length >> 1); cut > 0; cut = cut === 1 ? 0 : cut >> 1) {
    for (let at = 0; at + cut <= small.length; ) {
      const candidate = Buffer.concat([small.subarray(0, at), small.subarray(at + cut)]);
      if (isDifferent(candidate)) small = candidate;
      else at += 1;
    }
  }
  return small;
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options.isHelp) process.stdout.write(HELP);
  else process.exitCode = fuzz(options) ? 0 : 1;
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`fuzz: ${error.message}; --help lists the flags\n`);
  process.exitCode = 2;
}

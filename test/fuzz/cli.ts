/**
 * The fuzzers: `npm run fuzz -- --lines 5000000 --seed 7` and `npm run fuzz -- cuts --batches 1000 --seed 7`. What they
 * find is made small, printed, and kept where the tests replay it.
 */
import type { Measure } from '../../bench/bench.ts';
import { keep } from '../support/keep.ts';
import { examineShares, sharesOf } from './crew.ts';
import { keepBatch, keepLine } from './found.ts';
import { HELP, type Options, readOptions, UsageError } from './options.ts';
import type { Difference, ShareOutcome } from './share.ts';

const PROGRESS_MS = 250;

/** Runs to the end or to the first difference; the exit code. */
async function fuzz(options: Options): Promise<number> {
  const startedAt = new Date();
  const startMs = performance.now();
  const outcomes = await examineShares(sharesOf(options), progressOf(options, startMs));
  endProgress();
  const difference = outcomes.find(outcome => outcome.difference !== undefined)?.difference;
  if (difference !== undefined) {
    report(difference, options);
    return 1;
  }
  const seconds = (performance.now() - startMs) / 1000;
  const done = outcomes.reduce((sum, outcome) => sum + outcome.done, 0);
  const counts = totals(outcomes);
  console.log(
    `${done} ${unitOf(options)}, no difference (${counts.map(([name, count]) => `${name} ${count}`).join(', ')}), seed ${options.seed}, ${seconds.toFixed(1)} s`,
  );
  if (options.isKept) {
    const measures = measuresOf(unitOf(options), done, counts, seconds);
    keep(`fuzz-${options.subject}`, options.command, startedAt, measures);
  }
  return 0;
}

const unitOf = ({ subject }: Options) => (subject === 'lines' ? 'lines' : 'batches');

/** Sums by name, in the order of the names. */
function totals(outcomes: ShareOutcome[]): [string, number][] {
  const sums = new Map<string, number>();
  for (const { counts } of outcomes)
    for (const [name, count] of Object.entries(counts)) sums.set(name, (sums.get(name) ?? 0) + count);
  return [...sums].sort(([one], [other]) => (one < other ? -1 : 1));
}

function measuresOf(unit: string, done: number, counts: [string, number][], seconds: number): Measure[] {
  const figure = (subject: string, ofUnit: string, value: number, better: Measure['better']): Measure => ({
    subject,
    condition: '',
    unit: ofUnit,
    better,
    samples: [value],
  });
  return [
    figure(unit, unit, done, 'higher'),
    figure('differences', unit, 0, 'lower'),
    ...counts.map(([name, count]) => figure(name, unit === 'lines' ? 'lines' : name, count, 'higher')),
    figure('time', 's', Math.round(seconds * 10) / 10, 'lower'),
  ];
}

function report({ nth, seed, report, hex }: Difference, options: Options): void {
  console.log(report);
  const { subject } = options;
  console.log(`again: npm run fuzz -- ${subject} --${unitOf(options)} ${nth} --seed ${seed}`);
  if (hex === undefined) return;
  const bytes = Buffer.from(hex, 'hex');
  const why = `found by npm run fuzz -- ${subject} --seed ${seed}, ${subject === 'lines' ? 'line' : 'batch'} ${nth}`;
  const isNew = subject === 'lines' ? keepLine(bytes, why) : keepBatch(bytes, why);
  console.log(isNew ? 'kept in test/corpus/found.json' : 'it was in test/corpus/found.json before');
}

function progressOf(options: Options, startMs: number): (done: number) => void {
  let toldMs = startMs;
  return done => {
    const now = performance.now();
    if (!process.stdout.isTTY || now - toldMs < PROGRESS_MS) return;
    toldMs = now;
    const rate = (done / (now - startMs)) * 1000;
    process.stdout.write(`\r\x1b[K${done} ${unitOf(options)}, ${Math.round(rate)} a second`);
  };
}

function endProgress(): void {
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options.isHelp) process.stdout.write(HELP);
  else process.exitCode = await fuzz(options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`fuzz: ${error.message}; --help lists the flags\n`);
  process.exitCode = 2;
}

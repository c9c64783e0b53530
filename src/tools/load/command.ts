/** `tally load` and `tally compare`, from the arguments to the exit code. */

import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { printHelp } from '../../cli/terminal/help.ts';
import { count, ms } from '../../cli/terminal/numbers.ts';
import { quoteForShellIfNeeded } from '../../cli/terminal/quoting.ts';
import { hasColour, isTerminal } from '../../cli/terminal/terminal.ts';
import { UsageError } from '../../cli/terminal/usage.ts';
import { bucketsOf } from './buckets.ts';
import { compareRuns, comparisonTable, readResult } from './compare.ts';
import { judgeConditions } from './conditions.ts';
import { atRate, findMax, type MaxFound } from './find-max.ts';
import { describeFlags, type LoadOptions, readOptions } from './options.ts';
import { ProgressLine, progressLine } from './progress.ts';
import { distributionText } from './recorder.ts';
import type { LoadResult } from './result.ts';
import { type LoadRun, runLoadWithHistograms, StartError } from './run.ts';
import { resultTable } from './table.ts';

export const LoadExit = { ok: 0, failed: 1, usage: 2, money: 3, condition: 4, interrupted: 130 } as const;

export const LOAD_HELP = `tally load: put a server under load, and say what happened.

  tally load --connections 50 --pipeline 16               closed loop: the next line leaves when a reply has come
  tally load --rate 50000 --duration 30s                  open loop: lines leave at their times, as users' do
  tally load --stages 10s:1000,20s:1000-50000             a rate that holds, then one that grows
  tally load --rate 20000 --check-balances                is the money right, to the last event?
  tally load --rate 5000 --fail-if 'p99>5ms'              for a script: exit code 4 if it is
  tally load --find-max 'p99<10ms'                        the highest rate that the server can take
  tally load --mix buy=70,sell=20,balance=10 --skew zipf  other work
  tally load --json before.json                           keep a run; compare it later with:
  tally compare before.json after.json

It speaks to any server of the protocol. A rate is the total of all connections and threads. Counts (--users, --rate,
--events) may be written 50000, 50_000, 50k or 1M, times 500ms, 10s, 2m; a time without a unit is seconds.

${describeFlags()}

Conditions (--fail-if, --find-max): min, mean, p50, p90, p99, p999, p9999 or max with a time; they are corrected
unless written uncorrected.p99, and of all replies unless written accepted.p99 (ok, busy, refused, error, echoed).
rate, sent, answered, accepted, ok, busy, refused, errors, unknown, unsent, late, lost and surplus with a number, or
with a % of all lines.

Exit codes: 0 all is well, 1 the server or a connection failed, 2 wrong usage, 3 the money is wrong,
4 a --fail-if condition holds or no rate holds the --find-max condition, 130 ended early by Ctrl+C.
`;

export const COMPARE_HELP = `tally compare BEFORE.json AFTER.json: two runs of tally load side by side.

A change counts when the seconds of the two runs come apart so clearly that chance would do it less than once in a
hundred times, and by more than 2 %. Runs should last 10 seconds or more. Exit codes: 0 compared, whatever came out;
2 wrong usage.
`;

export async function loadCommand(args: string[]): Promise<void> {
  // As in `tally load | head -3`: the run continues when the reader of the table has gone.
  process.stdout.on('error', () => {});
  if (args.includes('--help') || args.includes('-h')) {
    return printHelp(LOAD_HELP);
  }
  try {
    process.exitCode = await load(
      readOptions(args),
      `tally load ${args.map(quoteForShellIfNeeded).join(' ')}`.trimEnd(),
    );
  } catch (error) {
    if (error instanceof UsageError) fail('load', LoadExit.usage, error.message);
    else fail('load', LoadExit.failed, error instanceof Error ? error.message : String(error));
  }
}

export function compareCommand(args: string[]): void {
  if (args.includes('--help') || args.includes('-h')) {
    printHelp(COMPARE_HELP);
    return;
  }
  try {
    const [before, after, ...rest] = args;
    if (before === undefined || after === undefined || rest.length > 0)
      throw new UsageError('two files of tally load --json are needed: tally compare before.json after.json');
    const runs = [before, after].map(file => readResult(readText(file), file)) as [LoadResult, LoadResult];
    process.stdout.write(comparisonTable(compareRuns(...runs), differencesInKind(...runs)));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    fail('compare', LoadExit.usage, error.message);
  }
}

function fail(command: string, exitCode: number, message: string): void {
  process.stderr.write(`tally ${command}: ${message}\n`);
  process.exitCode = exitCode;
}

async function load(options: LoadOptions, command: string): Promise<number> {
  checkFiles(options);
  const interrupt = new AbortController();
  const onSignal = () => interrupt.abort();
  // The first ends the run early, with its table. The second finds no listener, and ends the process.
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    return options.findMax === undefined
      ? await runOnce(options, command, interrupt.signal)
      : await search(options, command, interrupt.signal);
  } catch (error) {
    // There is no table of a run that had not begun.
    if (!interrupt.signal.aborted || !(error instanceof StartError)) throw error;
    process.stderr.write(`tally load: ${error.message}\n`);
    return LoadExit.interrupted;
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

async function runOnce(options: LoadOptions, command: string, signal: AbortSignal): Promise<number> {
  const run = await measured(options, command, signal);
  const { result } = run;
  result.conditions = judgeConditions(options.failIf, result);
  writeOut(options, run);
  for (const problem of result.problems) process.stderr.write(`tally load: ${problem}\n`);
  if (result.money?.balanced === false) return LoadExit.money;
  if (result.problems.length > 0) return LoadExit.failed;
  if (result.interrupted) return LoadExit.interrupted;
  return result.conditions.some(({ met }) => met) ? LoadExit.condition : LoadExit.ok;
}

/** A run with a moving line, where there is a terminal. */
async function measured(options: LoadOptions, command: string, signal: AbortSignal): Promise<LoadRun> {
  const line = isTerminal(process.stderr) ? new ProgressLine(process.stderr) : undefined;
  try {
    return await runLoadWithHistograms(options.plan, {
      signal,
      command,
      ...(line && { onProgress: progress => line.show(progressLine(progress)) }),
    });
  } finally {
    line?.clear();
  }
}

async function search(options: LoadOptions, command: string, signal: AbortSignal): Promise<number> {
  const out = options.json === '-' ? process.stderr : process.stdout;
  const probeMs = Math.min(options.plan.durationMs ?? PROBE_MS, PROBE_MS);
  const found = await findMax(
    options.findMax!,
    async ratePerS => {
      const plan = atRate(
        { ...options.plan, warmupMs: Math.max(options.plan.warmupMs, PROBE_WARMUP_MS) },
        ratePerS,
        probeMs,
      );
      return (await measured({ ...options, plan }, command, signal)).result;
    },
    ({ ratePerS, holds, value, reachedPerS, refused }) => {
      const figure = value === undefined ? 'no such figure' : ms(value);
      out.write(
        `${count(ratePerS).padStart(12)}/s  ${holds ? 'holds' : 'fails'}  ${figure.padStart(9)}  (reached ${count(reachedPerS)}/s${refused > 0 ? `, refused ${count(refused)}` : ''})\n`,
      );
    },
    () => signal.aborted,
  );
  if (options.json !== undefined) writeText(options.json, `${JSON.stringify(found, null, 2)}\n`);
  return reportMax(found, out, signal.aborted);
}

/** A probe is short: there are about twenty. */
const PROBE_MS = 3_000;
const PROBE_WARMUP_MS = 1_000;

function reportMax(found: MaxFound, out: NodeJS.WritableStream, isInterrupted: boolean): number {
  const problems = found.result?.problems ?? [];
  for (const problem of problems) process.stderr.write(`tally load: ${problem}\n`);
  if (problems.length > 0) return found.result?.money?.balanced === false ? LoadExit.money : LoadExit.failed;
  if (isInterrupted) out.write('ended early by Ctrl+C; so far:\n');
  if (found.ratePerS > 0)
    out.write(`highest rate that holds ${found.condition}: ${count(found.ratePerS)} a second\n`);
  else out.write(`no rate holds ${found.condition}\n`);
  if (isInterrupted) return LoadExit.interrupted;
  return found.ratePerS > 0 ? LoadExit.ok : LoadExit.condition;
}

function writeOut(options: LoadOptions, { result, corrected, uncorrected }: LoadRun): void {
  const out = options.json === '-' ? process.stderr : process.stdout;
  const colour = hasColour(out, process.env);
  out.write(resultTable(result, bucketsOf(corrected), colour));
  if (options.json !== undefined) writeText(options.json, `${JSON.stringify(result, null, 2)}\n`);
  if (options.hdr === undefined) return;
  writeText(`${options.hdr}.corrected.hgrm`, distributionText(corrected));
  writeText(`${options.hdr}.uncorrected.hgrm`, distributionText(uncorrected));
}

/** A file that cannot be written should be known before the run, not after it. */
function checkFiles({ json, hdr }: LoadOptions): void {
  for (const file of [json === '-' ? undefined : json, hdr]) {
    if (file === undefined) continue;
    const folder = dirname(file);
    if (!existsSync(folder)) throw new UsageError(`${file} cannot be written: there is no folder ${folder}`);
    if (existsSync(file) && !statSync(file).isFile())
      throw new UsageError(`${file} cannot be written: it is not a file`);
  }
}

function writeText(file: string, text: string): void {
  if (file === '-') process.stdout.write(text);
  else writeFileSync(file, text);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** What makes two runs hard to compare. */
function differencesInKind(before: LoadResult, after: LoadResult): string[] {
  const notes: string[] = [];
  const note = (what: string, a: unknown, b: unknown) => {
    if (JSON.stringify(a) !== JSON.stringify(b)) notes.push(`Note: the two runs had different ${what}.`);
  };
  const { port: _, ...planBefore } = before.plan;
  const { port: __, ...planAfter } = after.plan;
  for (const [name, run] of [
    ['first', before],
    ['second', after],
  ] as const) {
    if (run.interrupted) notes.push(`Note: the ${name} run was ended early.`);
    for (const problem of run.problems) notes.push(`Note: the ${name} run had a problem: ${problem}`);
  }
  note('machines', before.machine, after.machine);
  note('loads (see "plan" in the files)', planBefore, planAfter);
  return notes;
}

/** `tally load` and `tally compare`, from the arguments to the exit code. */

import { readFileSync } from 'node:fs';
import { runCommand } from '../../cli/terminal/command.ts';
import { MovingLine } from '../../cli/terminal/moving-line.ts';
import { count, ms } from '../../cli/terminal/numbers.ts';
import { reasonOf } from '../../cli/terminal/output.ts';
import { foldedFor } from '../../cli/terminal/prose.ts';
import { quoteForShellIfNeeded, withoutControls } from '../../cli/terminal/quoting.ts';
import { hasColour } from '../../cli/terminal/terminal.ts';
import { UsageError } from '../../cli/terminal/usage.ts';
import { bucketsOf } from './buckets.ts';
import { compareRuns, comparisonTable, readResult } from './compare.ts';
import { judgeConditions } from './conditions.ts';
import { atRate, findMax, type MaxFound } from './find-max.ts';
import { describeFlags } from './flags.ts';
import { type LoadOptions, readOptions } from './options.ts';
import { checkWritable, histogramFiles, isStandardOutput, writeText } from './outputs.ts';
import { DEFAULT_PLAN, DEFAULT_WORK, type LoadPlan } from './plan.ts';
import { progressLine } from './progress.ts';
import { distributionText } from './recorder.ts';
import type { LoadResult } from './result.ts';
import { type LoadRun, runLoadWithHistograms, StartError } from './run.ts';
import { resultTable } from './table.ts';

export const LoadExit = { ok: 0, failed: 1, usage: 2, money: 3, condition: 4, interrupted: 130 } as const;

export const LOAD_HELP = `tally load: put a server under load, and say what happened.

  tally load --connections 50 --pipeline 16               closed loop: the next line leaves when a reply has come
  tally load --rate 50000 --duration 30s                  open loop: lines leave at their times, as users' do
  tally load --stages 10s:1000,20s:1000-50000             a rate that holds, then one that grows
  tally load --rate 20000 --check-balances                is the money right, to the last event? After kills, too:
  tally load --rate 2000 --check-balances --kill-every 3s --cmd 'npx tally serve --data ./data'
  tally load --ids --check-balances --reconnect           what has no reply is sent again: the money is exact
  tally load --rate 5000 --fail-if 'p99>5ms'              for a script: exit code 4 if it is
  tally load --find-max 'p99<10ms'                        the highest rate that the server can take
  tally load --mix buy=70,sell=20,transfer=10 --min 0     other work
  tally load --json before.json                           keep a run; compare it later with:
  tally compare before.json after.json

It speaks to any server of the protocol. A rate is the total of all connections and threads. Counts (--users, --rate,
--events) may be written 50000, 50_000, 50k or 1M, times 500ms, 10s, 2m; a time without a unit is seconds.

${describeFlags()}

Conditions (--fail-if, --find-max): min, mean, p50, p90, p99, p999, p9999 or max with a time; they are corrected
unless written uncorrected.p99, and of all replies unless written accepted.p99 (ok, busy, refused, insufficient, error,
echoed). rate, sent, answered, accepted, ok, busy, refused, insufficient, errors, resent, unknown, unsent, late, lost
and surplus with a number, or with a % of all lines.

Exit codes: 0 all is well, 1 the server or a connection failed, 2 wrong usage, 3 the money is wrong,
4 a --fail-if condition holds or no rate holds the --find-max condition, 130 ended early by Ctrl+C.
`;

export const COMPARE_HELP = `tally compare BEFORE.json AFTER.json: two runs of tally load side by side.

A change counts when the seconds of the two runs come apart so clearly that chance would do it less than once in a
hundred times, and by more than 2 %. Runs should last 10 seconds or more. Exit codes: 0 compared, whatever came out;
2 wrong usage.
`;

export function loadCommand(args: string[]): Promise<void> {
  const command = `tally load ${args.map(quoteForShellIfNeeded).join(' ')}`.trimEnd();
  // As in `tally load | head -3`: the run continues when the reader of the table has gone.
  return runCommand(
    'load',
    LOAD_HELP,
    args,
    () => load(readOptions(args, process.env, warn), command),
    () => {},
  );
}

export function compareCommand(args: string[]): Promise<void> {
  return runCommand('compare', COMPARE_HELP, args, () => {
    const [before, after, ...rest] = args;
    if (before === undefined || after === undefined || rest.length > 0)
      throw new UsageError('two files of tally load --json are needed: tally compare before.json after.json');
    const runs = [before, after].map(file => readResult(readText(file), file)) as [LoadResult, LoadResult];
    process.stdout.write(comparisonTable(compareRuns(...runs), differencesInKind(...runs)));
    return LoadExit.ok;
  });
}

function warn(what: string): void {
  process.stderr.write(`tally load: ${what}\n`);
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
  const unwritten = await writeOut(options, run);
  for (const problem of [...result.problems, ...unwritten]) process.stderr.write(`tally load: ${problem}\n`);
  if (result.money?.balanced === false) return LoadExit.money;
  if (result.problems.length + unwritten.length > 0) return LoadExit.failed;
  if (result.interrupted) return LoadExit.interrupted;
  return result.conditions.some(({ met }) => met) ? LoadExit.condition : LoadExit.ok;
}

/** A run with a moving line, where there is a terminal for it. */
async function measured(options: LoadOptions, command: string, signal: AbortSignal): Promise<LoadRun> {
  const line = new MovingLine(process.stderr);
  try {
    return await runLoadWithHistograms(options.plan, {
      signal,
      command,
      credentials: options.credentials,
      onProgress: progress => line.show(progressLine(progress)),
    });
  } finally {
    line.clear();
  }
}

async function search(options: LoadOptions, command: string, signal: AbortSignal): Promise<number> {
  const out = outBeside(options);
  const probeMs = Math.min(options.plan.durationMs ?? PROBE_MS, PROBE_MS);
  const found = await findMax(
    options.findMax!,
    async ratePerS => {
      const plan = atRate(options.plan, ratePerS, probeMs);
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
  if (options.json !== undefined) await writeText(options.json, `${JSON.stringify(found, null, 2)}\n`);
  return reportMax(found, out, signal.aborted);
}

/** A probe is short: there are about twenty. */
const PROBE_MS = 3_000;

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

/** Returns what could not be written. */
async function writeOut(
  options: LoadOptions,
  { result, corrected, uncorrected }: LoadRun,
): Promise<string[]> {
  const out = outBeside(options);
  out.write(foldedFor(out, resultTable(result, bucketsOf(corrected), hasColour(out, process.env))));
  const texts = new Map<string, string>();
  if (options.json !== undefined) texts.set(options.json, `${JSON.stringify(result, null, 2)}\n`);
  if (options.hdr !== undefined) {
    const files = histogramFiles(options.hdr);
    texts.set(files.corrected, distributionText(corrected));
    texts.set(files.uncorrected, (texts.get(files.uncorrected) ?? '') + distributionText(uncorrected));
  }
  const written = await Promise.allSettled([...texts].map(([file, text]) => writeText(file, text)));
  return written.flatMap(each => (each.status === 'rejected' ? [(each.reason as Error).message] : []));
}

/** Where the table goes: beside results on standard output there is no room for it. */
function outBeside({ json, hdr }: LoadOptions): NodeJS.WriteStream {
  return isStandardOutput(json) || isStandardOutput(hdr) ? process.stderr : process.stdout;
}

/** What cannot be written should be known before the run, not after it. */
function checkFiles({ json, hdr }: LoadOptions): void {
  if (json !== undefined) checkWritable('--json', json);
  if (hdr === undefined) return;
  if (hdr === '') throw new UsageError('--hdr needs the start of a name');
  for (const file of Object.values(histogramFiles(hdr))) checkWritable('--hdr', file);
  if (isStandardOutput(json) && isStandardOutput(hdr))
    throw new UsageError('--json and --hdr: only one of them goes to standard output');
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${reasonOf(error)}`);
  }
}

/** What makes two runs hard to compare. */
function differencesInKind(before: LoadResult, after: LoadResult): string[] {
  const notes: string[] = [];
  const note = (what: string, a: unknown, b: unknown) => {
    if (JSON.stringify(a) !== JSON.stringify(b)) notes.push(`Note: the two runs had different ${what}.`);
  };
  const { port: _, ...planBefore } = wholePlan(before.plan);
  const { port: __, ...planAfter } = wholePlan(after.plan);
  for (const [name, run] of [
    ['first', before],
    ['second', after],
  ] as const) {
    if (run.interrupted) notes.push(`Note: the ${name} run was ended early.`);
    for (const problem of run.problems)
      notes.push(`Note: the ${name} run had a problem: ${withoutControls(problem)}`);
  }
  note('machines', before.machine, after.machine);
  note('loads (see "plan" in the files)', planBefore, planAfter);
  return notes;
}

/** Older results know nothing of what has come since. */
function wholePlan(plan: LoadPlan): LoadPlan {
  const { work = DEFAULT_WORK } = plan;
  const mix = { ...DEFAULT_WORK.mix, ...work.mix };
  return { ...DEFAULT_PLAN, ...plan, work: { ...DEFAULT_WORK, ...work, mix } };
}

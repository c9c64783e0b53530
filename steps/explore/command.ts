/** `tally explore`: walks every schedule of a few threads, and shows one that goes wrong. */

import { type Paint, painterFor } from '../../src/cli/terminal/colours.ts';
import { CommandError, Exit, runCommand } from '../../src/cli/terminal/command.ts';
import { MovingLine } from '../../src/cli/terminal/moving-line.ts';
import { printForMachines } from '../../src/cli/terminal/output.ts';
import { foldedFor } from '../../src/cli/terminal/prose.ts';
import { columnsOn, isTerminal } from '../../src/cli/terminal/terminal.ts';
import { readArgs, UsageError } from '../../src/cli/terminal/usage.ts';
import { expanded, type Replay, replay, ScheduleError } from './replay.ts';
import type { Scenario } from './scenario.ts';
import { GROUP_NAMES, scenarioOf, scenariosOf, UnknownScenarioError } from './scenarios.ts';
import { idOf, readId } from './schedule.ts';
import { Stage } from './stage.ts';
import { tableOf } from './table.ts';
import { type Walk, walk } from './walk.ts';
import { walkThrough } from './walk-through.ts';

const COLUMNS_PIPED = 160;
const INDENT = '  ';

const HELP = `tally explore: runs a few threads in every order there is, and says which orders go wrong.

The threads run the shipped code. Before each operation on memory that another thread can see they stop, and the
explorer decides who goes on; so each schedule is one that could happen, and none is left out.

  tally explore                        what there is to explore
  tally explore lost-update            walk it: how many schedules, how many go wrong, the shortest wrong one
  tally explore lost-update:abba       run that one schedule again (a: the first thread, b: the second, …)
  tally explore lost-update:abba --step    walk through it by key, with the memory before and after

  --all           everything there is (takes minutes)
  --every-run     run every schedule, also where it comes to a state that was met before
  --runs-max N    stop after so many runs; nothing is said then about those that were not run
  --step          a key for each step: any key goes on, q ends
  --json          for machines, one object a line
  -h, --help      this text

In the id of a schedule a3 means aaa. After a letter, T is a wait that runs out, W one that ends for nothing, and K a
death. After the last letter the explorer goes on by itself.

ACCEPTABLE is what may come of a schedule, FORBIDDEN what may not.
Exit codes: 0 as it should be (of lost-update, some schedules must go wrong; a single schedule: it was run), 1 not so,
2 wrong usage.
`;

const OPTIONS = {
  all: { type: 'boolean', default: false },
  'every-run': { type: 'boolean', default: false },
  'runs-max': { type: 'string' },
  step: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

interface Wishes {
  everyRun: boolean;
  runsMax: number;
  isStepped: boolean;
  isJson: boolean;
  paint: Paint;
}

export function exploreCommand(args: string[]): Promise<void> {
  return runCommand('explore', HELP, args, async () => {
    const { values, positionals } = readArgs('explore', args, OPTIONS);
    const wishes: Wishes = {
      everyRun: values['every-run'],
      runsMax: runsMaxOf(values['runs-max']),
      isStepped: values.step,
      isJson: values.json,
      paint: painterFor(process.stdout, process.env),
    };
    if (values.all && positionals.length > 0)
      throw new UsageError('--all is everything; leave the names out');
    const isOneSchedule = positionals.length === 1 && positionals[0]!.includes(':');
    if (values.step && !isOneSchedule)
      throw new UsageError(
        '--step needs one schedule by its id, as in tally explore lost-update:abba --step',
      );
    const names = values.all ? await allNames() : positionals;
    if (names.length === 0) return list(wishes);
    // All of them before the first is walked.
    for (const name of names) if (!name.includes(':')) await mustBeKnown(name);
    let code: number = Exit.ok;
    for (const name of names)
      code = Math.max(code, await (name.includes(':') ? runSchedule(name, wishes) : explore(name, wishes)));
    return code;
  });
}

function runsMaxOf(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const runs = Number(text);
  if (!/^\d+$/.test(text) || runs < 1 || runs > 1e9)
    throw new UsageError(`--runs-max ${text}: a whole number from 1 to 1000000000 is needed`);
  return runs;
}

async function allNames(): Promise<string[]> {
  const groups = await Promise.all(GROUP_NAMES.map(scenariosOf));
  return groups.flat().map(({ name }) => name);
}

async function list({ isJson, paint }: Wishes): Promise<number> {
  const scenarios = (await Promise.all(GROUP_NAMES.map(scenariosOf))).flat();
  if (isJson) {
    for (const { name, about } of scenarios)
      printForMachines(`${JSON.stringify({ scenario: name, about })}\n`);
    return Exit.ok;
  }
  const width = Math.max(...scenarios.map(({ name }) => name.length));
  for (const { name, group, about } of scenarios)
    print(`${name === group ? paint('bold', name.padEnd(width)) : name.padEnd(width)}  ${about}`);
  print('\nTry: npx tally explore lost-update');
  return Exit.ok;
}

async function mustBeKnown(name: string): Promise<void> {
  try {
    await scenarioOf(name);
  } catch (error) {
    if (!(error instanceof UnknownScenarioError)) throw error;
    throw new UsageError(`there is no scenario ${name}; tally explore lists what there is`);
  }
}

async function explore(name: string, wishes: Wishes): Promise<number> {
  const stage = await Stage.open(name);
  try {
    const startMs = performance.now();
    const line = new MovingLine(process.stderr);
    const onProgress = (runs: number) => line.show(`${name}: ${runs} runs`);
    const found = walk(stage, { everyRun: wishes.everyRun, runsMax: wishes.runsMax, onProgress });
    line.clear();
    const elapsedMs = Math.round(performance.now() - startMs);
    const wrong = found.summary.shortestWrong;
    const shortest = wrong === undefined ? undefined : replay(stage, expanded(stage, wrong));
    if (wishes.isJson) printForMachines(`${jsonOf(stage.scenario, found, shortest, elapsedMs)}\n`);
    else report(stage, found, shortest, elapsedMs, wishes.paint);
    return isAsItShould(stage.scenario, found) ? Exit.ok : Exit.failed;
  } finally {
    await stage.close();
  }
}

function isAsItShould({ isWrongOnPurpose = false }: Scenario, { summary }: Walk): boolean {
  return summary.hasWrong === isWrongOnPurpose;
}

function jsonOf(
  { name, about }: Scenario,
  found: Walk,
  shortest: Replay | undefined,
  elapsedMs: number,
): string {
  const { summary, runs, states, stepsMax, isComplete } = found;
  const outcomes = [...summary.outcomes].map(([outcome, { isWrong, schedules }]) => ({
    outcome,
    is: isWrong ? 'FORBIDDEN' : 'ACCEPTABLE',
    schedules: String(schedules),
  }));
  return JSON.stringify({
    scenario: name,
    about,
    schedules: String(summary.schedules),
    wrong: String(summary.wrong),
    isComplete,
    runs,
    states,
    stepsMax,
    outcomes,
    shortestWrong: shortest === undefined ? undefined : idOfReplay(name, shortest),
    elapsedMs,
  });
}

function report(
  stage: Stage,
  found: Walk,
  shortest: Replay | undefined,
  elapsedMs: number,
  paint: Paint,
): void {
  const { scenario } = stage;
  const { summary, runs, isComplete } = found;
  print(`${paint('bold', scenario.name)}: ${scenario.about}\n`);
  const schedules = `${grouped(summary.schedules)} schedule${summary.schedules === 1n ? '' : 's'}`;
  const wrong = summary.hasWrong
    ? paint('red', `${grouped(summary.wrong)} go wrong`)
    : paint('green', 'none goes wrong');
  const cost = `${grouped(runs)} run${runs === 1 ? '' : 's'}, ${(elapsedMs / 1_000).toFixed(1)} s`;
  const early = `ended early: of at least ${schedules}, ${summary.hasWrong ? wrong : 'none has gone wrong so far'}`;
  print(`${isComplete ? `${schedules}, ${wrong}` : early}  ${paint('gray', `(${cost})`)}
`);
  const width = Math.max(
    ...[...summary.outcomes.values()].map(({ schedules: count }) => grouped(count).length),
  );
  for (const [outcome, { isWrong, schedules: count }] of summary.outcomes) {
    const word = isWrong ? paint('red', 'FORBIDDEN ') : paint('green', 'ACCEPTABLE');
    print(`  ${word}  ${grouped(count).padStart(width)}  ${outcome}`);
  }
  if (shortest !== undefined) {
    print(`\nThe shortest one that goes wrong:\n`);
    printSchedule(stage, shortest, paint);
    print(`\nAgain, step by step:  npx tally explore ${idOfReplay(scenario.name, shortest)} --step`);
  }
  print('');
}

function idOfReplay(scenario: string, { steps }: Replay): string {
  return idOf(
    scenario,
    steps.map(({ choice }) => choice),
  );
}

async function runSchedule(id: string, wishes: Wishes): Promise<number> {
  const read = readId(id);
  if (read === undefined)
    throw new UsageError(
      `${id} is not the id of a schedule; those look like lost-update:abba, or worker-death-run:a17aK`,
    );
  if (wishes.isStepped && !(isTerminal(process.stdin) && isTerminal(process.stdout)))
    throw new CommandError(
      '--step needs a terminal, for its keys; without --step the whole schedule is printed',
    );
  await mustBeKnown(read.scenario);
  const stage = await Stage.open(read.scenario);
  try {
    const found = replayed(stage, id, read.choices);
    const { outcome, isWrong } = found.verdict;
    if (wishes.isJson) {
      const steps = found.steps.map(({ choice, pending, result, values }) => ({
        thread: stage.scenario.threads[choice.thread]!.name,
        variant: choice.variant,
        ...pending,
        word: stage.nameOf(pending.address),
        result,
        values,
      }));
      const is = isWrong ? 'FORBIDDEN' : 'ACCEPTABLE';
      printForMachines(`${JSON.stringify({ id, outcome, is, words: stage.shownNames, steps })}\n`);
    } else if (wishes.isStepped) await walkThrough(stage, found, wishes.paint);
    else printSchedule(stage, found, wishes.paint);
    // It was asked for, whatever comes of it.
    return Exit.ok;
  } finally {
    await stage.close();
  }
}

function replayed(stage: Stage, id: string, choices: Parameters<typeof replay>[1]): Replay {
  try {
    return replay(stage, choices);
  } catch (error) {
    if (error instanceof ScheduleError) throw new CommandError(`${id}: ${error.message}`);
    throw error;
  }
}

function printSchedule(stage: Stage, found: Replay, paint: Paint): void {
  const columns = columnsOn(process.stdout, COLUMNS_PIPED) - INDENT.length;
  const { head, rows } = tableOf(stage, found, { paint, columns });
  for (const line of [...head, ...rows]) print(INDENT + line);
  const { isWrong, outcome } = found.verdict;
  print(`\n  ${isWrong ? paint('red', 'FORBIDDEN') : paint('green', 'ACCEPTABLE')}  ${outcome}`);
}

function grouped(count: number | bigint): string {
  return count.toLocaleString('en-US');
}

function print(line: string): void {
  process.stdout.write(`${foldedFor(process.stdout, line)}\n`);
}

/** `tally pain`: runs a witness against a server, shows what happens, and says whether the pain is present. */

import { painterFor } from '../../src/cli/terminal/colours.ts';
import { Exit, exitOnSignals, runCommand } from '../../src/cli/terminal/command.ts';
import { readCount } from '../../src/cli/terminal/numbers.ts';
import { printForMachines } from '../../src/cli/terminal/output.ts';
import { foldedFor } from '../../src/cli/terminal/prose.ts';
import { canRepaint } from '../../src/cli/terminal/terminal.ts';
import { readArgs, UsageError } from '../../src/cli/terminal/usage.ts';
import { asideOf } from './asides.ts';
import { evidenceTable } from './evidence.ts';
import { expectedOf, nameOf, readStep, STEPS, type Step, stepOf } from './manifest.ts';
import { pairs, type Row, runPair, tableHead, tableRow } from './matrix.ts';
import { compared, comparison, predicted } from './predict.ts';
import { remember } from './progress.ts';
import type { Source } from './server.ts';
import { SOURCE_OPTIONS, sourceOf } from './sources.ts';
import { type Finding, WITNESS_MS_MAX, whyNot } from './witnesses/witness.ts';
import { witnessOf } from './witnesses/witnesses.ts';

const UNDECIDED = 3;
const paint = painterFor(process.stdout, process.env);
const OPTIONS = {
  ...SOURCE_OPTIONS,
  all: { type: 'boolean' },
  json: { type: 'boolean' },
  predict: { type: 'boolean' },
  times: { type: 'string' },
} as const;

const HELP = `tally pain N: start step N, hurt it, and see what happens.

  tally pain 5                     step 5 and its pain: ${stepOf(5).pain}
  tally pain 5 --step 6            is it gone in step 6? (1 to 10, or src, the finished server)
  tally pain 5 --cmd 'cargo run'   does a server of your own have that pain?
  tally pain 3 --connect :7878     does the server on that port? (pains 1, 2, 3, 6 and 8; the others must start it)
  tally pain --all                 every pain on every step, beside what should be: the matrix
  tally pain 5 --all               one row of it
  tally pain 5 --predict           asks first what you expect, and compares it with what was measured

The pains:
${STEPS.map(({ number, pain }) => `  ${String(number).padStart(2)}  ${pain}`).join('\n')}

A command is run by a shell, without input. It must listen on 127.0.0.1, on the port in the variable PORT, and do as
WORKERS, QUEUE (places in the queue), WORK_US and WINDOW_US say: what an event costs before the balance is read, and
between reading and writing it, in µs, spent sleeping. Or write {port}, {workers}, {queue}, {work_us}, {window_us}
into the command.

  --predict      one or two questions before it runs; an empty answer means no idea. Answers may be piped in, a line
                 each
  --json         for machines: one object a line; with --all one for each pair,
                 {"pain","step","expected","observed","evidence",…}; with --predict also "predictions",
                 and the questions go to stderr
  --times COUNT  with --all: the matrix that many times

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
  const { number, source, times, isJson, isPredicted } = readPain(args);
  if (number === undefined || source === undefined) return matrix(number, times, isJson);
  return one(number, source, isJson, isPredicted);
}

/** Reads and checks the arguments. Without a source: the matrix, or one row of it. */
export function readPain(args: string[]) {
  const { values, positionals } = readArgs('pain', args, OPTIONS);
  const { all, predict, times, cmd, connect, step } = values;
  const [text, ...more] = positionals;
  if (more.length > 0) throw new UsageError(`one pain at a time, or --all; not ${positionals.join(' ')}`);
  const number = text === undefined ? undefined : readStep(text, 'pain').number;
  if (all && predict)
    throw new UsageError('--predict asks about one pain: tally pain 5 --predict, without --all');
  if (all && (cmd !== undefined || connect !== undefined || step !== undefined))
    throw new UsageError(
      '--all runs every step of this repository; --cmd, --connect and --step go with one pain',
    );
  if (!all && number === undefined)
    throw new UsageError('which pain? tally pain 1 to tally pain 10, or tally pain --all');
  if (!all && times !== undefined) throw new UsageError('--times goes with --all');
  const source = all ? undefined : sourceOf(values, number);
  return {
    number,
    source,
    times: timesOf(times),
    isJson: values.json === true,
    isPredicted: predict === true,
  };
}

function timesOf(text = '1'): number {
  const times = readCount(text) ?? 0;
  if (!Number.isInteger(times) || times < 1 || times > 1_000)
    throw new UsageError(`--times ${text} is not a number from 1 to 1000`);
  return times;
}

async function one(number: number, source: Source, isJson: boolean, isPredicted: boolean): Promise<number> {
  const step = stepOf(number);
  const witness = witnessOf(number);
  if (witness.mustStart && !source.isStarted)
    throw new UsageError(
      `pain ${number} takes a server that is started anew with other settings: give --cmd, not --connect`,
    );
  const expected = source.subject === undefined ? 'absent' : expectedOf(number, source.subject);
  if (expected === undefined)
    throw new UsageError(
      `pain ${number} does not apply to ${nameOf(source.subject!)}: tally pain --all shows which do`,
    );
  if (!isJson) print(`${paint('bold', `Pain ${number}: ${step.pain}`)}, in ${titleOf(source)}\n\n`);
  const prediction = isPredicted
    ? await predicted(step, source, isJson ? process.stderr : process.stdout)
    : undefined;
  const startMs = performance.now();
  const say = isJson
    ? () => {}
    : (text: string) => print(`  ${paint('dim', seconds(performance.now() - startMs))}  ${text}\n`);
  const finding = await witness.run(source, say).catch(error => {
    if (isJson) print(`${JSON.stringify(undecided(number, source, expected, whyNot(error)))}\n`);
    throw error;
  });
  const observed = finding.isPresent ? 'present' : 'absent';
  if (isJson) {
    const row = {
      pain: number,
      step: source.subject ?? source.name,
      expected,
      observed,
      evidence: finding.evidence,
      ...(prediction && { predictions: compared(prediction, finding) }),
    };
    printForMachines(`${JSON.stringify(row)}\n`);
  } else {
    print(`\n${verdict(finding, source, observed === expected)}\n${evidenceTable(finding.evidence)}\n`);
    if (prediction !== undefined) print(`${comparison(prediction, finding)}\n`);
    if (source.subject === number) await showAside(number, say);
    print(next(step, source, finding.isPresent));
  }
  if (finding.isPresent) remember(number, 'felt');
  return observed === expected ? Exit.ok : Exit.failed;
}

/** As the matrix has it. */
function undecided(pain: number, { subject, name }: Source, expected: string, error: string) {
  return { pain, step: subject ?? name, expected, observed: 'undecided', evidence: { error } };
}

function titleOf({ subject, name }: Source): string {
  return subject === undefined ? name : nameOf(subject);
}

function verdict({ isPresent, sentence }: Finding, { subject }: Source, isExpected: boolean): string {
  const [head, colour] = isPresent ? ['It hurts.', 'red' as const] : ['No pain.', 'green' as const];
  const warning =
    isExpected || subject === undefined ? '' : ' (That is not as it should be: see steps/kit/manifest.ts.)';
  return `  ${paint(colour, head)} ${sentence}${warning}\n`;
}

async function showAside(number: number, say: (text: string) => void): Promise<void> {
  const aside = asideOf(number);
  if (aside === undefined) return;
  print(`  ${aside.title}\n\n`);
  await aside.run(say);
  print('\n');
}

function next({ number, lesson, painLesson }: Step, { subject }: Source, isPresent: boolean): string {
  const mend = number === 10 ? 'src' : String(number + 1);
  const diff = number === 10 ? '' : `npx tally diff ${number} ${mend}, then `;
  const way = `${diff}npx tally pain ${number} --step ${mend}`;
  if (subject === undefined) return isPresent ? `  What mends it here: ${way}\n` : '';
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

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1).padStart(5)} s`;
}

function print(text: string): void {
  process.stdout.write(foldedFor(process.stdout, text));
}

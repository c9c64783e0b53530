/**
 * Runs a matrix of pains repeatedly: is every verdict right, every time, even on a busy machine? A wrong verdict ends the
 * bench. The record has the figures that the verdicts were based on.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { endsWithUs } from '../src/tools/harness/process.ts';
import type { Measure, Size } from './bench.ts';

/** As `tally pain --all --json` prints it. */
export interface Row {
  pain: number;
  step: number | string;
  way?: string;
  expected: string;
  observed: string;
  evidence: Record<string, number | string | boolean>;
}

export interface Circumstance {
  condition: string;
  times: Record<Size, number>;
  /** The number of processes that keep the cores busy. */
  busy: number;
  isPinned: boolean;
}

/** What is kept of a row. */
export interface Kept {
  subject: string;
  /** Which figure of its evidence, and its unit. */
  figure: string;
  unit: string;
  better: Measure['better'];
}

export const CORES = availableParallelism();
/** The compiled file is one folder deeper. */
const CLI = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts') ? '../dist/src/cli/main.js' : '../src/cli/main.js',
    import.meta.url,
  ),
);
/** `taskset` keeps a process, and all that it starts, on the first core. */
const PINNED = ['taskset', '--cpu-list', '0'];
const BUSY = ['-e', 'for (;;);'];

/** Each of the matrices is the arguments of a `tally pain`, beside `--all --json`; so many are run at a time. */
export async function repeated(
  circumstances: readonly Circumstance[],
  size: Size,
  matrices: readonly (readonly string[])[],
  atOnce: number,
  keptOf: (row: Row) => Kept,
  say: (line: string) => void,
): Promise<Measure[]> {
  const measures = new Map<string, Measure>();
  for (const circumstance of circumstances)
    for (let time = 1; time <= circumstance.times[size]; time += 1) {
      const rows = await runMatrices(circumstance, matrices, atOnce);
      const { condition, times } = circumstance;
      say(`${condition}, ${time} of ${times[size]}: ${rows.length} verdicts, all right`);
      for (const row of rows) collect(measures, row, keptOf(row), condition);
    }
  return [...measures.values()];
}

async function runMatrices(
  { condition, busy, isPinned }: Circumstance,
  matrices: readonly (readonly string[])[],
  atOnce: number,
): Promise<Row[]> {
  const started: ChildProcess[] = [];
  const start = (words: string[]) => {
    const [program, ...rest] = [...(isPinned ? PINNED : []), process.execPath, ...words];
    const child = spawn(program!, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
    endsWithUs(child);
    started.push(child);
    return child;
  };
  const run = async (args: readonly string[]) => {
    const matrix = start([CLI, 'pain', ...args, '--all', '--json']);
    let output = '';
    matrix.stdout!.setEncoding('utf8').on('data', text => {
      output += text;
    });
    const [exitCode] = await once(matrix, 'close');
    const rows = output
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as Row);
    const wrong = rows.filter(({ expected, observed }) => expected !== observed);
    if (wrong.length > 0 || exitCode !== 0)
      throw new Error(`${condition}: exit code ${exitCode}, wrong verdicts: ${JSON.stringify(wrong)}`);
    return rows;
  };
  try {
    for (let count = 0; count < busy; count += 1) start(BUSY);
    const rows: Row[][] = [];
    const waiting = matrices.entries();
    const lane = async () => {
      for (const [index, args] of waiting) rows[index] = await run(args);
    };
    await Promise.all(Array.from({ length: atOnce }, lane));
    return rows.flat();
  } finally {
    for (const child of started) child.kill('SIGKILL');
  }
}

function collect(
  measures: Map<string, Measure>,
  { evidence }: Row,
  { subject, figure, unit, better }: Kept,
  condition: string,
): void {
  const key = JSON.stringify([subject, condition]);
  const measure = measures.get(key) ?? { subject, condition, unit, better, samples: [] };
  measure.samples.push(evidence[figure] as number);
  measures.set(key, measure);
}

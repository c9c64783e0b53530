/**
 * Runs the matrix of pains repeatedly: is every verdict right, every time, even on a busy machine? A wrong verdict
 * ends the bench. The record has the figures that the verdicts were based on.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { endsWithUs } from '../src/tools/harness/process.ts';
import type { Bench, Measure, Size } from './bench.ts';

interface Row {
  pain: number;
  step: number | 'src';
  expected: string;
  observed: string;
  evidence: Record<string, number | string | boolean>;
}

interface Circumstance {
  condition: string;
  times: Record<Size, number>;
  /** The number of processes that keep the cores busy. */
  busy: number;
  isPinned: boolean;
}

const CORES = availableParallelism();
const CIRCUMSTANCES: Circumstance[] = [
  { condition: 'alone', times: { small: 1, full: 20 }, busy: 0, isPinned: false },
  { condition: 'all cores busy', times: { small: 0, full: 1 }, busy: CORES, isPinned: false },
  { condition: 'on one core', times: { small: 0, full: 1 }, busy: 0, isPinned: true },
  { condition: 'on one core that is busy', times: { small: 0, full: 1 }, busy: 1, isPinned: true },
];
const PAINS: Record<Size, string[]> = { small: ['8'], full: [] };
/** Which figure of a pain's evidence is kept, and its unit. */
const FIGURES: Record<number, [name: string, unit: string]> = {
  1: ['secondWaitedMs', 'ms that the second client waited'],
  2: ['unreadMiB', 'MiB kept for a client that does not read'],
  3: ['refused', 'of 1,000 split events refused'],
  4: ['healthP99Ms', 'ms, p99 of health beside a flood'],
  5: ['refused', 'of 250 events refused'],
  6: ['lost', 'of 320 updates lost'],
  7: ['ratio', 'times as much with 8 workers as with 1'],
  8: ['processed', 'of 100 events counted'],
  9: ['lost', 'of 300 accepted events lost'],
  10: ['elapsedMs', 'ms from Ctrl+C to the end, at most 10,000'],
};

const BETTER_HIGHER = new Set([7, 8]);

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

export const bench: Bench = {
  name: 'pains',
  about: 'Every pain on every step, 20 times, then on busy cores and on one: is every verdict right?',
  async run(size, say) {
    const measures = new Map<string, Measure>();
    for (const circumstance of CIRCUMSTANCES) {
      for (let time = 1; time <= circumstance.times[size]; time += 1) {
        const rows = await runMatrix(circumstance, PAINS[size]);
        say(
          `${circumstance.condition}, ${time} of ${circumstance.times[size]}: ${rows.length} verdicts, all right`,
        );
        for (const row of rows) collect(measures, row, circumstance.condition);
      }
    }
    return [...measures.values()];
  },
};

async function runMatrix({ condition, busy, isPinned }: Circumstance, pains: string[]): Promise<Row[]> {
  const started: ChildProcess[] = [];
  const start = (args: string[]) => {
    const [program, ...rest] = [...(isPinned ? PINNED : []), process.execPath, ...args];
    const child = spawn(program!, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
    endsWithUs(child);
    started.push(child);
    return child;
  };
  try {
    for (let count = 0; count < busy; count += 1) start(BUSY);
    const matrix = start([CLI, 'pain', ...pains, '--all', '--json']);
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
  } finally {
    for (const child of started) child.kill('SIGKILL');
  }
}

function collect(measures: Map<string, Measure>, { pain, step, evidence }: Row, condition: string): void {
  const subject = `pain ${pain}, ${step === 'src' ? step : `step ${step}`}`;
  const [name, unit] = FIGURES[pain]!;
  const key = JSON.stringify([subject, condition]);
  const measure = measures.get(key) ?? {
    subject,
    condition,
    unit,
    better: BETTER_HIGHER.has(pain) ? 'higher' : 'lower',
    samples: [],
  };
  measure.samples.push(evidence[name] as number);
  measures.set(key, measure);
}

/**
 * Where the processor time of an event goes, from the read system call to the balance. `perf` samples the whole
 * process, including the kernel; each sample is assigned to a place by its stack, and the share of each place is
 * multiplied by the processor time of an event, measured in the same run.
 *
 * Needs Linux's `perf`, and the right to use it.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DEFAULT_WORK } from '../../src/tools/load/plan.ts';
import type { Bench, Measure, Size } from '../bench.ts';
import { alternate, type Figure, type Trial } from '../rounds.ts';
import { startTally, TALLY } from './subjects.ts';
import { checkLoad, depthsOf, MEASURED_MS, measure, planOf } from './trial.ts';

const ROUNDS: Record<Size, number> = { small: 1, full: 3 };
/** Samples a second. Not a divisor of the timers' rates, or it would always sample the same moment. */
const SAMPLES_HZ = 1_999;
/** What perf needs to name compiled JavaScript. */
const NODE_FLAGS = ['--perf-basic-prof', '--interpreted-frames-native-stack'];

/** The places, and the functions on the stack that identify them; the first match counts. */
const PLACES: [place: string, signs: RegExp][] = [
  ['the worker: applying, resting', /runWorker|worker::Worker::|Builtins_AtomicsWait/],
  [
    'collecting garbage',
    /Heap::CollectGarbage|ArrayBufferSweeper|Scavenger|MarkCompact|ConcurrentMarking|Sweeper::/,
  ],
  ['kernel: write, up to the client', /ksys_write|sys_write\b|sys_writev|sys_sendmsg/],
  ['kernel: read', /ksys_read|sys_read\b/],
  ['kernel: epoll and the rest', /\bdo_syscall_64|entry_SYSCALL|asm_/],
  ['Node: from socket.write to the kernel', /Writable\.write|writeOrBuffer/],
  ['Tally: judging, looking up, pushing', /#serve|judgeUsual|#submit/],
  ['Tally: the rest of a visit', /#visit|#receive|reading\.js|dist\/src\//],
];
const ELSE = 'Node: from the kernel to the chunk';

export const bench: Bench = {
  name: 'where',
  about: 'Where the processor time of an event goes, by depth, from samples of perf',
  async run(size, say) {
    if (spawnSync('perf', ['--version']).status !== 0) {
      say('perf is not installed, so nobody can say where the time goes, and there are no figures');
      return [];
    }
    const measures: Measure[] = [];
    for (const depth of depthsOf(size)) {
      say(`depth ${depth}`);
      const places = await alternate(ROUNDS[size], [trialOf(depth, size)], say);
      measures.push(...places.map(measure => ({ ...measure, subject: measure.unit, unit: 'ns CPU/event' })));
    }
    return measures;
  },
};

/** Its figures are the places; their names take the place of units until `run` sorts that out. */
function trialOf(depth: number, size: Size): Trial {
  return { subject: TALLY.name, condition: `depth ${depth}`, run: () => profile(depth, size) };
}

async function profile(depth: number, size: Size): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tally-bench-where-'));
  const samples = join(folder, 'perf.data');
  const server = await startTally([], NODE_FLAGS);
  let perf: ChildProcess | undefined;
  try {
    const plan = planOf(
      server.port,
      TALLY,
      { subject: TALLY.name, mix: DEFAULT_WORK.mix, depth, noun: 'event' },
      size,
    );
    const recording = setTimeout(() => {
      const seconds = (MEASURED_MS[size] / 1_000) * 0.8;
      const what = ['-q', '-g', '-F', String(SAMPLES_HZ), '-p', String(server.pid), '-o', samples];
      perf = spawn('perf', ['record', ...what, '--', 'sleep', String(seconds)], { stdio: 'ignore' });
    }, plan.warmupMs);
    const { result, cpuS } = await measure(plan, server.cpuSeconds);
    clearTimeout(recording);
    checkLoad(result, TALLY);
    if (perf === undefined || cpuS === undefined) throw new Error('the load ended before perf began');
    if (perf.exitCode === null) await once(perf, 'exit');
    return figuresOf(await countPlaces(samples), (cpuS * 1e9) / result.answered);
  } finally {
    perf?.kill();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Samples by place. A sample is a line that names the thread, then a line for each function, the innermost first. */
async function countPlaces(samples: string): Promise<Map<string, number>> {
  const script = spawn('perf', ['script', '-i', samples, '-F', 'comm,tid,ip,sym'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const counts = new Map<string, number>();
  let stack = '';
  const count = () => {
    if (stack !== '') counts.set(placeOf(stack), (counts.get(placeOf(stack)) ?? 0) + 1);
    stack = '';
  };
  for await (const line of createInterface({ input: script.stdout })) {
    if (line.trim() === '') count();
    else if (line.startsWith('\t') || line.startsWith(' ')) stack += `${line.trim()}\n`;
  }
  count();
  return counts;
}

function placeOf(stack: string): string {
  return PLACES.find(([, signs]) => signs.test(stack))?.[0] ?? ELSE;
}

function figuresOf(counts: Map<string, number>, nsPerEvent: number): Figure[] {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (total === 0) throw new Error('perf took no samples; is it allowed to? (kernel.perf_event_paranoid)');
  return [...PLACES.map(([place]) => place), ELSE].map(place => ({
    unit: place,
    better: 'lower',
    value: ((counts.get(place) ?? 0) / total) * nsPerEvent,
  }));
}

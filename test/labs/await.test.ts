/** Lab await: the executor does what an executor must, and a fault in it is found; the page says what compilers say. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../../src/tools/harness/root.ts';
import { sourceFlags } from '../../steps/kit/server.ts';
import { operationsIn, waitingOperations } from '../../steps/labs/02-await/bytecode.ts';
import { Executor, type Task, wait } from '../../steps/labs/02-await/executor.ts';
import { napTimes, questionTimes, sumTimes } from '../../steps/labs/02-await/measuring.ts';
import { TwoNaps, twoNaps, twoNapsTask } from '../../steps/labs/02-await/programs.ts';
import { Timer } from '../../steps/labs/02-await/timer.ts';
import { type Fault, withCopy } from './mutant.ts';

const CHECK = fileURLToPath(new URL('executor-check.ts', import.meta.url));
/** A check takes less than a second; one of a wrong executor may never end. */
const QUIET_MS_MAX = 3_000;
const START_MS_MAX = 20_000;

/** The names of what is wrong; also of what has not ended. */
async function wrongIn(folder: string): Promise<string[]> {
  const child = spawn(process.execPath, [...sourceFlags(), CHECK, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const end = () => child.kill('SIGKILL');
  let output = '';
  let patience = setTimeout(end, START_MS_MAX);
  child.stdout.setEncoding('utf8').on('data', text => {
    output += text;
    clearTimeout(patience);
    patience = setTimeout(end, QUIET_MS_MAX);
  });
  await once(child, 'close');
  clearTimeout(patience);
  return [...output.matchAll(/^(.*): (?!right\n)/gm)].map(([, name]) => name!);
}

/** Each with the check that finds it. */
const FAULTS: (Fault & { found: string })[] = [
  {
    name: 'does not nap',
    file: 'timer.ts',
    from: 'atMs ??= performance.now() + ms;',
    to: 'atMs ??= performance.now();',
    found: 'a nap is not too short',
  },
  {
    name: 'asks again and again instead of sleeping',
    file: 'timer.ts',
    from: 'if (mayWait && leftMs > 0) Atomics.wait(this.#bed, 0, 0, leftMs);',
    to: '',
    found: 'while all tasks nap, the thread sleeps',
  },
  {
    name: 'keeps its sleepers in the order in which they came',
    file: 'timer.ts',
    from: 'this.#sleepers.sort((one, other) => one.atMs - other.atMs);',
    to: '',
    found: 'naps at a time end in their order, and take as long as the longest',
  },
  {
    name: 'looks at its timer only when nothing is ready',
    file: 'executor.ts',
    from: 'this.#driver.turn(this.#ready.size === 0);',
    to: 'if (this.#ready.size === 0) this.#driver.turn(true);',
    found: 'a task that is always ready does not keep a timer from others',
  },
  {
    name: 'runs a task at once when it is woken',
    file: 'executor.ts',
    from: 'const wake = () => void this.#ready.add(turn);',
    to: 'const wake = () => turn();',
    found: 'a task that was woken twice has one turn',
  },
  {
    name: 'gives a task a turn for each time it was woken',
    file: 'executor.ts',
    from: 'const wake = () => void this.#ready.add(turn);',
    to: 'const wake = () => void this.#ready.add(() => turn());',
    found: 'a task that was woken twice has one turn',
  },
  {
    name: 'loses the error of a task',
    file: 'executor.ts',
    from: 'finish(() => {\n          throw error;\n        });',
    to: 'finish(() => undefined as T);\n        void error;',
    found: 'an error goes to who waits, and can be caught there',
  },
  {
    name: 'wakes nobody when a task ends',
    file: 'executor.ts',
    from: 'for (const wakeOther of waiting) wakeOther();',
    to: '',
    found: 'all who wait for a task are woken, however late they ask',
  },
  {
    name: 'sleeps for ever where nothing will wake anybody',
    file: 'timer.ts',
    from: "if (next === undefined && mayWait) throw new Error('all tasks wait, and nothing will wake one');",
    to: '',
    found: 'where nothing will wake anybody, it says so',
  },
];

describe('our executor', () => {
  test('does what an executor must', async () => {
    expect(await wrongIn(join(ROOT, 'steps/labs/02-await'))).toEqual([]);
  });

  test.concurrent.each(FAULTS.map(fault => [fault.name, fault] as const))(
    'is found if it %s',
    async (_, fault) => {
      expect(await withCopy('02-await', fault, wrongIn)).toContain(fault.found);
    },
  );

  test('has no more lines than the page says, of code', () => {
    const text = readFileSync(join(ROOT, 'steps/labs/02-await/executor.ts'), 'utf8');
    const lines = text.split('\n').filter(line => !/^\s*(?:\/\*\*|\*|\/\/|$)/.test(line));
    expect(lines.length).toBeLessThanOrEqual(60);
  });
});

test('the three forms of the program say the same', async () => {
  const timer = new Timer();
  const run = (task: Task<number>) => new Executor(timer).run(task);
  expect([await twoNaps(4), run(twoNapsTask(timer, 4)), run(wait(new TwoNaps(timer, 4)))]).toEqual([8, 8, 8]);
});

describe('what is measured', () => {
  test('waiting at a time takes as long as waiting once', async () => {
    const all = [...Object.values(await napTimes(20, 20)), await questionTimes(20, 20)];
    expect(all).toHaveLength(4);
    for (const { oneByOneMs, atATimeMs } of all) {
      expect(oneByOneMs).toBeGreaterThanOrEqual(395);
      expect(atATimeMs).toBeLessThan(oneByOneMs / 2);
    }
  });

  test('computing at a time takes as long as one after another: all of it', async () => {
    for (const times of Object.values(await sumTimes(10, 10)))
      for (const ms of Object.values(times)) expect(ms).toBeGreaterThan(90);
  });
});

describe('what await compiles to', () => {
  const page = readFileSync(join(ROOT, 'steps/labs/02-await/README.md'), 'utf8');
  const blocks = [...page.matchAll(/^```(?:ts|js)\n([\s\S]*?)^```$/gm)].map(([, text]) => text!);

  test('in V8: a place to suspend for each await, and one more in a generator, at its start', async () => {
    const countIn = async (source: string) =>
      (await waitingOperations(source)).filter(operation => / SuspendGenerator/.test(operation)).length;
    expect(await countIn('async function twoNaps(ms) { await nap(ms); await nap(ms); }')).toBe(2);
    expect(await countIn('function* twoNaps(ms) { yield nap(ms); yield nap(ms); }')).toBe(3);
    expect(operationsIn('nothing of the kind')).toEqual([]);
  });

  test('in TypeScript: what the page shows', () => {
    const source = blocks.find(text => text.startsWith('async function twoNaps'))!;
    const compilerOptions = { target: ts.ScriptTarget.ES5, noEmitHelpers: true, noLib: true };
    const { outputText } = ts.transpileModule(source, { compilerOptions });
    expect(blocks).toContain(outputText);
  });
});

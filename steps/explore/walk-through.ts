/** A schedule by key: each key shows one more step, with the memory before and after it. */
import type { Paint } from '../../src/cli/terminal/colours.ts';
import { CTRL_C, CTRL_D, onKeys } from '../../src/cli/terminal/keys.ts';
import { foldedFor } from '../../src/cli/terminal/prose.ts';
import type { Replay } from './replay.ts';
import type { Stage } from './stage.ts';
import { describe } from './table.ts';

export async function walkThrough(
  stage: Stage,
  { steps, values, verdict }: Replay,
  paint: Paint,
): Promise<void> {
  const { threads, name, about } = stage.scenario;
  const names = stage.shownNames;
  const memory = (now: readonly number[], before: readonly number[] = now) =>
    names
      .map((word, at) =>
        now[at] === before[at] ? `${word} ${now[at]}` : paint('bold', `${word} ${now[at]}`),
      )
      .join('   ');
  print(`${paint('bold', name)}: ${about}`);
  print(paint('gray', `${steps.length} steps; any key goes on, q ends`));
  let before = values;
  for (const [at, step] of steps.entries()) {
    const key = await nextKey();
    if (key === 'q' || key === CTRL_C || key === CTRL_D) return;
    print(`\nstep ${at + 1} of ${steps.length}: ${paint('cyan', threads[step.choice.thread]!.name)}`);
    print(`  before  ${memory(before)}`);
    print(`          ${paint('bold', describe(stage, step))}`);
    print(`  after   ${memory(step.values, before)}`);
    before = step.values;
  }
  print(
    `\n${verdict.isWrong ? paint('red', 'FORBIDDEN') : paint('green', 'ACCEPTABLE')}  ${verdict.outcome}`,
  );
}

function nextKey(): Promise<string> {
  return new Promise(resolve => {
    const stop = onKeys(key => {
      stop();
      resolve(key);
    });
  });
}

function print(line: string): void {
  process.stdout.write(`${foldedFor(process.stdout, line)}\n`);
}

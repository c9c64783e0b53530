/** Whether the explorer finds a mutant, planted into a copy of the compiled modules. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, expect } from 'vitest';
import { expanded, replay } from '../../steps/explore/replay.ts';
import { idOf, readId } from '../../steps/explore/schedule.ts';
import { Stage } from '../../steps/explore/stage.ts';
import { walk } from '../../steps/explore/walk.ts';
import type { Mutant } from './mutant.ts';

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));
/** All that the threads of a scenario load. */
const COPIED = [
  'src/protocol',
  'src/threads',
  'src/engine',
  'src/journal',
  'steps/explore',
  ...['06-worker-threads', '07-one-lock', '08-sharded-locks', '09-lock-free-metrics'].map(
    step => `steps/${step}`,
  ),
];

/** One copy for all mutants, one after the other: their threads are new ones each time, and load it anew. */
const copy = mkdtempSync(join(tmpdir(), 'tally-mutants-'));
for (const folder of COPIED) cpSync(join(DIST, folder), join(copy, folder), { recursive: true });
writeFileSync(join(copy, 'package.json'), '{"type":"module"}');
afterAll(() => rmSync(copy, { recursive: true, force: true }));

/**
 * Walks until a schedule goes wrong, and runs that one again by itself. Resolves to the runs that it took. The text of a
 * mutant must be found exactly once, so that it can't quietly stop being one.
 */
export async function findMutant({ what, file, text, becomes, scenario }: Mutant): Promise<number> {
  const path = join(copy, `${file}.js`);
  const code = readFileSync(path, 'utf8');
  const parts = code.split(text);
  if (parts.length !== 2)
    throw new Error(`${what}: its text is ${parts.length - 1} times in ${file}, not once`);
  writeFileSync(path, parts.join(becomes));
  let stage: Stage | undefined;
  try {
    stage = await Stage.open(scenario, pathToFileURL(join(copy, 'steps/explore/')));
    const { summary, runs } = walk(stage, { untilWrong: true });
    expect(summary.hasWrong, what).toBe(true);
    const id = idOf(scenario, expanded(stage, summary.shortestWrong!));
    const again = replay(stage, readId(id)!.choices);
    expect(again.verdict.isWrong, what).toBe(true);
    expect([...summary.outcomes.keys()]).toContain(again.verdict.outcome);
    return runs;
  } finally {
    await stage?.close();
    writeFileSync(path, code);
  }
}

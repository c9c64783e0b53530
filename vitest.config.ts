import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { LESSONS } from './vitest.lessons.config.ts';

/**
 * Files that take long, in the order in which they start: none may be left alone at the end, with idle cores beside it.
 * The first ones mostly wait, and are beside the one that has most to do.
 */
// biome-ignore format: a table
const FIRST = [
  'steps/matrix', 'steps/liars', 'wire/idle', 'client/payments', 'explore/mutants', 'steps/check', 'explore/explore', 'load/ends',
  'steps/check-wrong', 'load/wrong-servers', 'wire/journal-disk', 'wire/journal', 'journal/cli/backup',
  'journal/cli/verify', 'bench/peers', 'wire/backpressure', 'wire/shutdown', 'bench/growth', 'bench/shapes',
  'wire/cuts', 'journal/cli/history', 'engine/engine', 'load/loops', 'bench/micro', 'steps/wire-abuse', 'load/output',
  'wire/abuse', 'steps/wire', 'load/money-wire', 'steps/threads', 'steps/tags', 'steps/progress', 'wire/deaths',
  'terminal/output', 'bench/clients', 'http/server', 'wire/signals', 'http/live', 'bench/runner', 'labs/read-mostly', 'labs/await', 'cli',
].map(name => join(import.meta.dirname, `test/${name}.test.ts`));

const gone = FIRST.filter(file => !existsSync(file));
if (gone.length > 0) throw new Error(`no such files, to be tested first: ${gone}`);

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const placeOf = ({ moduleId }: TestSpecification) =>
      FIRST.indexOf(moduleId) >= 0 ? FIRST.indexOf(moduleId) : FIRST.length;
    return (await super.sort(files)).sort((a, b) => placeOf(a) - placeOf(b));
  }
}

/** The suite. The long runs (soaks, hundreds of cycles) and the lessons have configurations of their own. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/long/**', ...LESSONS],
    pool: 'forks',
    // No more than this at a time: what the tests start keeps the cores busy itself, and where starting a process is
    // dear, more of them wait for one another past their deadlines, and all of it takes twice as long.
    maxWorkers: 2,
    maxConcurrency: 4,
    sequence: { sequencer: LongFirst },
    // The tools print in the characters of the locale; expectations are written in more than ASCII.
    env: { LC_ALL: 'C.UTF-8' },
    setupFiles: ['test/support/ending.ts'],
    // Node's own deadlock at the end of a process, and nothing else: see test/support/hung.ts.
    retry: { count: 1, condition: /nodejs\/node#54918/ },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});

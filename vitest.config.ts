import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take long, in the order in which they start: none may be left alone at the end, with idle cores beside it. */
const FIRST = [
  'steps/matrix',
  'explore/mutants',
  'steps/check',
  'steps/check-wrong',
  'load/ends',
  'wire/idle',
  'steps/wire',
  'load/wrong-servers',
  'bench/peers',
  'load/loops',
  'load/money-wire',
  'steps/threads',
  'bench/shapes',
  'steps/tags',
  'steps/wire-abuse',
  'engine/engine',
  'explore/explore',
  'load/script',
  'wire/shutdown',
  'wire/cuts',
  'wire/deaths',
  'wire/backpressure',
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

/** The suite. The long runs (soaks, hundreds of cycles) have a configuration of their own. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/long/**'],
    pool: 'forks',
    // More than cores: many files mostly wait.
    maxWorkers: 3,
    maxConcurrency: 8,
    sequence: { sequencer: LongFirst },
    setupFiles: ['test/support/ending.ts'],
    // Node's own deadlock at the end of a process, and nothing else: see test/support/hung.ts.
    retry: { count: 1, condition: /nodejs\/node#54918/ },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});

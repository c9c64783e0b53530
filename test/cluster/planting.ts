/** Plants a mistake into a copy of the sources, and of the lives that test them, and says what finds it. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../../src/tools/harness/root.ts';
import type { Planted } from './planted.ts';

const SOURCES = ['protocol', 'threads', 'engine', 'cluster'];
const TESTS = ['life', 'world', 'history', 'linearizable', 'savers', 'sessions', 'sums'];

/** The file with the mistake in it. Throws an error if the text is not there once. */
export function withMistake({ what, file, changes }: Planted): string {
  let code = readFileSync(join(ROOT, 'src/cluster', `${file}.ts`), 'utf8');
  for (const [text, becomes] of changes) {
    const parts = code.split(text);
    if (parts.length !== 2)
      throw new Error(`${what}: its text is ${parts.length - 1} times in ${file}, not once`);
    code = parts.join(becomes);
  }
  return code;
}

/** What the first life complained of that did; undefined: none of so many did. */
export async function complaintAbout(planted: Planted, lives: number): Promise<string | undefined> {
  const code = withMistake(planted);
  const folder = mkdtempSync(join(tmpdir(), 'tally-cluster-planted-'));
  try {
    for (const source of SOURCES)
      cpSync(join(ROOT, 'src', source), join(folder, 'src', source), { recursive: true });
    for (const test of TESTS)
      cpSync(join(ROOT, 'test/cluster', `${test}.ts`), join(folder, 'test/cluster', `${test}.ts`));
    writeFileSync(join(folder, 'src/cluster', `${planted.file}.ts`), code);
    const path = join(folder, 'test/cluster/life.ts');
    const { live } = (await import(/* @vite-ignore */ path)) as typeof import('./life.ts');
    for (let seed = planted.first; seed < planted.first + lives; seed++)
      try {
        live(seed);
      } catch (error) {
        return (error as Error).message;
      }
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

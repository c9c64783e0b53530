/**
 * What is kept of a bench: its measures, with the code, the machine and the command they came from, as a file of JSON.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeMachine } from '../src/tools/harness/machine.ts';
import type { Bench, BenchRecord, Size } from './bench.ts';

/** Compiled, this file lies one folder deeper. */
const ROOT = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '..' : '../..', import.meta.url));
export const RESULTS_FOLDER = join(ROOT, 'bench', 'results');

/** Runs a bench. `commit` is looked up once for all: the results written on the way would make it dirty. */
export async function record(
  bench: Bench,
  size: Size,
  commit: string,
  say: (line: string) => void,
): Promise<BenchRecord> {
  const startedAt = new Date().toISOString();
  const measures = await bench.run(size, say);
  return {
    schema: 1,
    bench: bench.name,
    size,
    startedAt,
    // What gives this file again, whatever else was asked for in the same run.
    command: `${bench.setting ?? ''}npm run bench -- ${size === 'small' ? '--small ' : ''}${bench.name}`,
    commit,
    machine: describeMachine(),
    measures,
  };
}

/** The commit that is checked out, `…-dirty` if the files differ from it; `unknown` where there is no git. */
export function currentCommit(): string {
  try {
    const hash = git('rev-parse', '--short', 'HEAD');
    return git('status', '--porcelain', '--', '.', ':!bench/results') === '' ? hash : `${hash}-dirty`;
  } catch {
    return 'unknown';
  }
}

/** Writes `<bench>.json`, over the one that was there. Returns its path. */
export function writeRecord(folder: string, found: BenchRecord): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${found.bench}.json`);
  writeFileSync(path, jsonOf(found));
  return path;
}

export function jsonOf(value: BenchRecord | BenchRecord[]): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function git(...args: string[]): string {
  return execFileSync('git', args, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
}

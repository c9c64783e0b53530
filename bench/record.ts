/**
 * The record of a bench: its measures, with the commit, the machine and the command that they came from, as a JSON
 * file.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeMachine } from '../src/tools/harness/machine.ts';
import type { Bench, BenchOptions, BenchRecord, Size } from './bench.ts';

/** The compiled file is one folder deeper. */
const ROOT = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '..' : '../..', import.meta.url));
export const RESULTS_FOLDER = join(ROOT, 'bench', 'results');

/** Runs a bench. The caller looks up `commit` once for all benches: results written meanwhile would make it dirty. */
export async function record(
  bench: Bench,
  size: Size,
  commit: string,
  say: (line: string) => void,
  options: BenchOptions = {},
): Promise<BenchRecord> {
  const startedAt = new Date().toISOString();
  const measures = await bench.run(size, say, options);
  return {
    schema: 1,
    bench: bench.name,
    size,
    startedAt,
    // The command that reproduces this file alone; a folder is named as the help names it, wherever it was.
    command: `${bench.setting ?? ''}npm run bench -- ${size === 'small' ? '--small ' : ''}${options.build === undefined ? '' : '--build DIR '}${bench.name}`,
    commit,
    machine: describeMachine(),
    measures,
  };
}

/** The commit that is checked out, `…-dirty` if the files differ from it; `unknown` where there is no git. */
export function currentCommit(folder = ROOT): string {
  try {
    const hash = git(folder, 'rev-parse', '--short', 'HEAD');
    return git(folder, 'status', '--porcelain', '--', '.', ':!bench/results') === '' ? hash : `${hash}-dirty`;
  } catch {
    return 'unknown';
  }
}

/** Writes `<bench>.json`, replacing an earlier one. Returns its path. */
export function writeRecord(folder: string, found: BenchRecord): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${found.bench}.json`);
  writeFileSync(path, jsonOf(found));
  return path;
}

export function jsonOf(value: BenchRecord | BenchRecord[]): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function git(cwd: string, ...args: string[]): string {
  return execFileSync('git', args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
}

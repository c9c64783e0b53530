/** `tally check` as a user runs it, with what it printed taken apart. Progress goes to a folder that is thrown away. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCli } from '../support/server.ts';

const state = mkdtempSync(join(tmpdir(), 'tally-check-'));
process.on('exit', () => rmSync(state, { recursive: true, force: true }));

export const ENVIRONMENT = { XDG_STATE_HOME: state, NO_COLOR: '' };
export const CLI_ENVIRONMENT = { ...process.env, ...ENVIRONMENT };

export function serverFile(name: string): string {
  return fileURLToPath(new URL(`servers/${name}`, import.meta.url));
}

export interface CheckRun {
  exitCode: number | null;
  stdout: string;
  stderr: string;
  /** Names of the checks that passed, and of the one that failed. */
  passed: string[];
  failed: string | undefined;
  /** Rows of its transcript, without the margin. */
  rows: string[];
}

export async function check(...args: string[]): Promise<CheckRun> {
  const run = await runCli(['check', ...args], ENVIRONMENT);
  const namesAfter = (mark: string) =>
    [...run.stdout.matchAll(new RegExp(`^ {2}${mark} (.*?)(?: \\([\\d.]+ m?s\\))?$`, 'gm'))].map(
      ([, name]) => name!,
    );
  const failed = namesAfter('✗')[0];
  const transcript = run.stdout.split(/^ {2}✗ .*\n\n/m)[1] ?? '';
  const rows = transcript
    .split('\n\n')[0]!
    .split('\n')
    .map(row => row.slice(4));
  return { ...run, passed: namesAfter('✓'), failed, rows };
}

/** The row of a transcript with that label, from where its text starts. */
export function rowOf({ rows }: CheckRun, label: string): string {
  return rows.find(row => row.startsWith(`${label} `))?.slice(LABEL_COLUMNS) ?? '';
}

/** Where the mark stands, on the same columns as `rowOf`. -1 if there is none. */
export function markOf({ rows }: CheckRun): number {
  const row = rows.find(text => /^ +\^ byte /.test(text));
  return row === undefined ? -1 : row.indexOf('^') - LABEL_COLUMNS;
}

const LABEL_COLUMNS = 10;

/** The checker: as a command that a user runs, or without its command line, in the process of the test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SILENT } from '../../steps/kit/check/report.ts';
import { runStage } from '../../steps/kit/check/run.ts';
import { stageOf } from '../../steps/kit/check/stages.ts';
import { ofCommand, type Source } from '../../steps/kit/server.ts';
import { runCli } from '../support/server.ts';

// Progress goes to a folder that is thrown away.
const state = mkdtempSync(join(tmpdir(), 'tally-check-'));
process.on('exit', () => rmSync(state, { recursive: true, force: true }));

export const ENVIRONMENT = { XDG_STATE_HOME: state, NO_COLOR: '' };
export const CLI_ENVIRONMENT = { ...process.env, ...ENVIRONMENT };

/** `tally check` as a user runs it. */
export const check = (...args: string[]) => runCli(['check', ...args], ENVIRONMENT);

export function serverFile(name: string): string {
  return fileURLToPath(new URL(`servers/${name}`, import.meta.url));
}

/** The command of a server of steps 3 to 5 with one fault; without one it is right. */
export const wrong = (fault = 'none') => `node ${serverFile('wrong.mjs')} ${fault}`;

export interface Found {
  /** Names of the checks that passed, and of the one that failed. */
  passed: string[];
  failed: string | undefined;
  /** Rows of its transcript. */
  rows: string[];
}

/** What the checks of a step find, up to the first failure. */
export async function findings(step: number, source: Source | string, isQuick = true): Promise<Found> {
  const server = typeof source === 'string' ? ofCommand(source) : source;
  const { checks } = await runStage(stageOf(step), server, isQuick, SILENT);
  const last = checks.at(-1)!;
  return {
    passed: checks.filter(({ passed }) => passed).map(({ name }) => name),
    failed: last.passed ? undefined : last.name,
    rows: last.transcript ?? [],
  };
}

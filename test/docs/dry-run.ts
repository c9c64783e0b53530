/**
 * Runs a command of `tally` in this process up to the first thing that it would do: start a process or a thread, listen,
 * connect, write a file. That is refused. So its own reader has judged its arguments, and nothing has happened.
 *
 * The test file that imports this has to put refusals.ts in the place of Node's modules.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';
import { readConfig } from '../../src/config/settings.ts';
import { ROOT } from './pages.ts';
import { child_process, refusedSoFar } from './refusals.ts';

export interface DryRun {
  exitCode: number;
  stdout: string;
  stderr: string;
  /** It came as far as doing something. */
  hasBegun: boolean;
}

const LIMIT_MS = 5_000;

type Run = (args: string[]) => void | Promise<void>;

/** As cli.ts has them: the name, the module that is loaded for it, and what is called there. */
const LOADED = /case '([\w-]+)':\s+return \(await import\('([^']+)'\)\)\.(\w+)\(rest\)/g;
export const CLI = readFileSync(join(ROOT, 'src/cli/main.ts'), 'utf8');
const loaded = new Map(
  [...CLI.matchAll(LOADED)].map(([, name, module, run]) => [name!, { module: module!, run: run! }]),
);

export const COMMAND_NAMES = [...loaded.keys()];

async function runOf(name: string): Promise<Run | undefined> {
  // Its part of cli.ts.
  if (name === 'serve') return args => void (args.includes('--help') || readConfig(args, {}));
  const found = loaded.get(name);
  if (found === undefined) return undefined;
  const module = (await import(join(ROOT, 'src/cli', found.module))) as Record<string, Run>;
  return module[found.run];
}

export async function dryRun(args: string[]): Promise<DryRun> {
  if (spawn !== (child_process.spawn as unknown))
    throw new Error('nothing would be refused: see refusals.ts');
  const [name = '', ...rest] = args;
  const run = await runOf(name);
  if (run === undefined)
    return { exitCode: 2, stdout: '', stderr: `tally has no command ${name}`, hasBegun: false };
  const output = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map(stream =>
    vi.spyOn(process[stream], 'write').mockImplementation(text => {
      output[stream] += text;
      return true;
    }),
  );
  const listeners = new Map([process, process.stdout].map(emitter => [emitter, listenersOf(emitter)]));
  const refusedBefore = refusedSoFar();
  process.exitCode = undefined;
  try {
    await withinLimit(run(rest));
  } catch (error) {
    process.exitCode = 2;
    output.stderr += (error as Error).message;
  } finally {
    for (const spy of spies) spy.mockRestore();
    for (const [emitter, before] of listeners)
      for (const [event, all] of listenersOf(emitter))
        for (const listener of all)
          if (!before.get(event)?.includes(listener)) emitter.off(event as string, listener as () => void);
  }
  const exitCode = Number(process.exitCode ?? 0);
  process.exitCode = undefined;
  return { exitCode, ...output, hasBegun: refusedSoFar() > refusedBefore };
}

/** What waits for somebody, or goes on for ever, has not been refused anything: see refusals.ts. */
async function withinLimit(run: void | Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`has not ended within ${LIMIT_MS} ms of a dry run`)), LIMIT_MS);
  });
  await Promise.race([run, late]).finally(() => clearTimeout(timer));
}

function listenersOf(emitter: NodeJS.EventEmitter) {
  return new Map(emitter.eventNames().map(event => [event, emitter.listeners(event)]));
}

/**
 * Runs a command of `tally` in this process up to the first thing that it would do: start a process or a thread, listen,
 * connect, write a file. That is refused. So its own reader has judged its arguments, and nothing has happened.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';
import { readSettings } from '../../src/config/read.ts';
import { ROOT } from './pages.ts';

export interface DryRun {
  exitCode: number;
  stdout: string;
  stderr: string;
  /** It came as far as doing something. */
  hasBegun: boolean;
}

type Run = (args: string[]) => void | Promise<void>;

const LIMIT_MS = 5_000;
/** Node's functions that do something outside the process. */
const REFUSED: Record<string, string[]> = {
  child_process: ['spawn', 'spawnSync', 'exec', 'execSync', 'execFile', 'execFileSync', 'fork'],
  net: ['connect', 'createConnection', 'createServer'],
  tls: ['connect'],
  http: ['get', 'request', 'createServer'],
  readline: ['createInterface'],
  'readline/promises': ['createInterface'],
  worker_threads: ['Worker'],
  // biome-ignore format: a list
  fs: ['writeFileSync', 'appendFileSync', 'mkdirSync', 'mkdtempSync', 'rmSync', 'unlinkSync', 'renameSync', 'copyFileSync', 'cpSync', 'watch', 'createWriteStream'],
};
let refused = 0;

/** Also called with `new`. */
function refuse(): never {
  refused += 1;
  throw new Error('refused: this is a dry run');
}

for (const [name, functions] of Object.entries(REFUSED)) {
  const instead = Object.fromEntries(functions.map(one => [one, refuse]));
  vi.doMock(`node:${name}`, async original => ({ ...(await original<object>()), ...instead }));
}

// Its client is not loaded through Vitest, and would connect.
vi.doMock('@nats-io/transport-node', async original => ({ ...(await original<object>()), connect: refuse }));

// What a test file has loaded before is loaded anew, with these.
vi.resetModules();

/** As the command line has them: the name, the module that is loaded for it, and what is called there. */
const LOADED = /case '([\w-]+)':\s+return \(await import\('([^']+)'\)\)\.(\w+)\(rest\)/g;
export const CLI = readFileSync(join(ROOT, 'src/cli/main.ts'), 'utf8');
const loaded = new Map(
  [...CLI.matchAll(LOADED)].map(([, name, module, run]) => [name!, { module: module!, run: run! }]),
);
export const COMMAND_NAMES = [...loaded.keys()];

async function runOf(name: string): Promise<Run | undefined> {
  const found = loaded.get(name);
  if (found === undefined) return undefined;
  const run = ((await import(join(ROOT, 'src/cli', found.module))) as Record<string, Run>)[found.run];
  // A server would begin with its log, before anything that is refused.
  if (name === 'serve') return args => (args.includes('--help') ? run!(args) : void readSettings(args, {}));
  return run;
}

export async function dryRun([name = '', ...args]: string[]): Promise<DryRun> {
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
  const listeners = [process, process.stdout, process.stderr].map(
    emitter => [emitter, listenersOf(emitter)] as const,
  );
  const refusedBefore = refused;
  process.exitCode = undefined;
  try {
    await withinLimit(run(args));
  } catch (error) {
    process.exitCode = 2;
    output.stderr += (error as Error).message;
  }
  for (const spy of spies) spy.mockRestore();
  for (const [emitter, before] of listeners)
    for (const [event, listener] of listenersOf(emitter))
      if (!before.some(([, known]) => known === listener)) emitter.off(event, listener);
  const exitCode = Number(process.exitCode ?? 0);
  process.exitCode = undefined;
  return { exitCode, ...output, hasBegun: refused > refusedBefore };
}

/** What waits for somebody, or goes on for ever, should have been refused something. */
async function withinLimit(run: void | Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`has not ended within ${LIMIT_MS} ms of a dry run`)), LIMIT_MS);
  });
  await Promise.race([run, late]).finally(() => clearTimeout(timer));
}

function listenersOf(emitter: NodeJS.EventEmitter) {
  return emitter
    .eventNames()
    .flatMap(event =>
      emitter.listeners(event).map(listener => [event as string, listener as () => void] as const),
    );
}

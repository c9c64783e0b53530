/** `tally step N`: one of the ten servers in the foreground, with its own flags, signals and exit code. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { constants } from 'node:os';
import { relative } from 'node:path';
import { CommandError, runCommand } from '../../src/cli/terminal/command.ts';
import { foldedFor, listed } from '../../src/cli/terminal/prose.ts';
import { UsageError } from '../../src/cli/terminal/usage.ts';
import { hasTerminal, isRepeated } from '../../src/signals.ts';
import { makeLastWill } from '../../src/tools/harness/last-will.ts';
import { endsWithUs } from '../../src/tools/harness/process.ts';
import { ROOT } from '../../src/tools/harness/root.ts';
import { FLAGS, readStep, STEPS, type Step } from './manifest.ts';
import { remember } from './progress.ts';
import { stepArgs } from './server.ts';

const PORT = 7878;
const HOST = '127.0.0.1';
const STEPS_SPEAK_JSON_FROM = 3;

/** The allowed values of a flag; a flag without one is a switch. */
interface Value {
  wanted: string;
  /** The same in short. */
  values: string;
  isRight: (text: string) => boolean;
}

const VALUES: Record<string, Value | undefined> = {
  '--port': whole(0, 65_535),
  '--workers': whole(1, 64),
  '--queue': whole(1, 1_048_576),
  '--work-us': whole(0, 60_000_000),
  '--window-us': whole(0, 10_000_000),
  '--work': choice('block', 'cpu'),
  '--count': choice('padded', 'shared', 'lock'),
  '--unbounded': undefined,
};

const MEANINGS: Record<string, string> = {
  '--port': `where it listens, on ${HOST}; 0 finds a free one`,
  '--workers': 'threads that apply events',
  '--queue': 'events that each queue holds',
  '--work-us': 'µs that an event costs',
  '--window-us': 'µs between reading a balance and writing it',
  '--work': 'that cost is a slow call, or a computation',
  '--count': 'a number for each thread, for all, under a lock',
  '--unbounded': 'a queue without its bound',
};

const HELP = `tally step N [flags]: run step N, a server that is wrong on purpose, until Ctrl+C.

  tally step 1                            the first, on port ${PORT}
  tally step 5 --queue 64 --work-us 1000  a small queue, and events that cost 1 ms: see server_busy
  tally step 9 --port 0 --count lock      on a free port, counting under a lock

${Object.keys(MEANINGS).map(described).join('\n')}

Exit codes: the step's own; 128 and the signal's number if a signal ended it (Ctrl+C: 130); 1 it could not start,
2 wrong usage. tally steps lists the steps; the finished server is tally serve.
`;

export function stepCommand(args: string[]): Promise<void> {
  return runCommand('step', HELP, args, async ([which, ...rest]) => {
    if (which === undefined || which.startsWith('-'))
      throw new UsageError(`which one? tally step 1, to ${STEPS.length}; tally steps lists them`);
    if (which === 'src') throw new UsageError('src is the finished server: tally serve');
    const step = readStep(which);
    const { port, flags } = readFlags(step, rest);
    return run(step, await freePort(port), flags);
  });
}

/** Every flag that the step takes. */
export function flagsOf(step: Step): string[] {
  return ['--port', ...step.takes.map(name => FLAGS[name]), ...(step.more ?? [])];
}

function readFlags(step: Step, args: string[]): { port: number; flags: string[] } {
  const taken = flagsOf(step);
  let port = PORT;
  const flags: string[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const [, flag = args[at]!, after] = /^(--[^=]*)=(.*)$/s.exec(args[at]!) ?? [];
    if (!taken.includes(flag))
      throw new UsageError(`step ${step.number} does not take ${flag}; it takes ${listed(taken)}`);
    const value = VALUES[flag];
    if (value === undefined) {
      if (after !== undefined) throw new UsageError(`${flag} is a switch; it takes no value`);
      flags.push(flag);
      continue;
    }
    if (after === undefined) at += 1;
    const text = after ?? args[at];
    if (text === undefined) throw new UsageError(`${flag} needs a value: ${value.wanted}`);
    if (!value.isRight(text)) throw new UsageError(`${flag} ${text} is not ${value.wanted}`);
    if (flag === '--port') port = Number(text);
    else flags.push(flag, text);
  }
  return { port, flags };
}

function whole(min: number, max: number): Value {
  return {
    wanted: `a whole number from ${min} to ${max}`,
    values: `${min} to ${max}`,
    isRight: text => /^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max,
  };
}

function choice(...choices: string[]): Value {
  return {
    wanted: listed(choices, 'or'),
    values: choices.join(', '),
    isRight: text => choices.includes(text),
  };
}

/** The port, if it is free. For 0, a free one, because the step would only print that it listens on 0. */
function freePort(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', ({ code }: NodeJS.ErrnoException) => {
      const why =
        code === 'EADDRINUSE'
          ? 'is in use; end what uses it, or take another: --port 0 finds a free one'
          : code === 'EACCES'
            ? 'is not for everybody; ports from 1024 on are'
            : `cannot be had (${code})`;
      reject(new CommandError(`port ${port} on ${HOST} ${why}`));
    });
    probe.listen(port, HOST, () => {
      const address = probe.address() as { port: number };
      probe.close(() => resolve(address.port));
    });
  });
}

/** Runs the step to its end. Returns its exit code; after a signal, the code that a shell would give. */
function run(step: Step, port: number, flags: string[]): Promise<number> {
  process.stderr.write(foldedFor(process.stderr, introduction(step, port)));
  makeLastWill();
  // In its own process group: a terminal sends Ctrl+C to all processes of ours, and the step must get it once, from
  // here. A second signal would make step 10 abort its shutdown.
  const child = spawn(process.execPath, stepArgs(step, port, {}, flags), {
    stdio: 'inherit',
    detached: process.platform !== 'win32',
  });
  let last: { signal: NodeJS.Signals; atMs: number } | undefined;
  const passOn = (signal: NodeJS.Signals) => {
    const atMs = performance.now();
    if (last !== undefined && isRepeated(last.signal, signal, atMs - last.atMs)) return;
    last = { signal, atMs };
    child.kill(signal);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGQUIT'] as const) process.on(signal, passOn);
  // As under `nohup`.
  process.on('SIGHUP', hasTerminal ? passOn : () => {});
  endsWithUs(child);
  return new Promise((resolve, reject) => {
    child.on('spawn', () => remember(step.number, 'ran'));
    child.on('error', error =>
      reject(new CommandError(`step ${step.number} did not start: ${error.message}`)),
    );
    child.on('exit', (exitCode, signal) =>
      resolve(signal === null ? (exitCode ?? 1) : 128 + constants.signals[signal]),
    );
  });
}

function introduction({ number, folder, title, pain, lesson }: Step, port: number): string {
  const line = number < STEPS_SPEAK_JSON_FROM ? 'anything' : '{"user":"alice","action":"buy","amount":100}';
  const chapter = `${ROOT}steps/${folder}/README.md`;
  const shown = relative(process.cwd(), chapter);
  const where = existsSync(chapter) ? `; chapter: ${shown.startsWith('..') ? chapter : shown}` : '';
  return [
    `step ${number}, ${title}: ${lesson}`,
    `pain: ${pain} (npx tally pain ${number})${where}`,
    `talk: nc ${HOST} ${port}, then type ${line}`,
    '',
  ].join('\n');
}

function described(flag: string): string {
  return `  ${flag.padEnd(12)} ${(VALUES[flag]?.values ?? '').padEnd(20)}  ${MEANINGS[flag]}; ${takers(flag)}`;
}

/** `steps 6 to 10`: the steps that take a flag are consecutive. */
function takers(flag: string): string {
  const numbers = STEPS.filter(step => flagsOf(step).includes(flag)).map(({ number }) => number);
  if (numbers.length === STEPS.length) return 'all steps';
  return numbers.length === 1 ? `step ${numbers[0]}` : `steps ${numbers[0]} to ${numbers.at(-1)}`;
}

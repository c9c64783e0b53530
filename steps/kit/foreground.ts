/** A server of the path in the foreground, with its own flags, signals and exit code: for `tally step` and `tally lesson`. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { constants } from 'node:os';
import { relative } from 'node:path';
import { CommandError } from '../../src/cli/terminal/command.ts';
import { foldedFor, listed } from '../../src/cli/terminal/prose.ts';
import { UsageError } from '../../src/cli/terminal/usage.ts';
import { hasTerminal, isRepeated } from '../../src/signals.ts';
import { makeLastWill } from '../../src/tools/harness/last-will.ts';
import { endsWithUs } from '../../src/tools/harness/process.ts';
import { ROOT } from '../../src/tools/harness/root.ts';
import type { Value } from './values.ts';

export const PORT = 7878;
export const HOST = '127.0.0.1';

/** The flags that are given, of those that `who` takes. A switch has an empty value. */
export function readFlags(
  who: string,
  taken: ReadonlyMap<string, Value | undefined>,
  args: readonly string[],
): Map<string, string> {
  const given = new Map<string, string>();
  for (let at = 0; at < args.length; at += 1) {
    const [, flag = args[at]!, after] = /^(--[^=]*)=(.*)$/s.exec(args[at]!) ?? [];
    if (!taken.has(flag))
      throw new UsageError(`${who} does not take ${flag}; it takes ${listed([...taken.keys()])}`);
    const value = taken.get(flag);
    if (value === undefined) {
      if (after !== undefined) throw new UsageError(`${flag} is a switch; it takes no value`);
      given.set(flag, '');
      continue;
    }
    if (after === undefined) at += 1;
    const text = after ?? args[at];
    if (text === undefined) throw new UsageError(`${flag} needs a value: ${value.wanted}`);
    if (!value.isRight(text)) throw new UsageError(`${flag} ${text} is not ${value.wanted}`);
    given.set(flag, text);
  }
  return given;
}

/** The port, if it is free. For 0, a free one, because the server would only print that it listens on 0. */
export function portToTake(text: string | undefined): Promise<number> {
  const port = text === undefined ? PORT : Number(text);
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

interface Foreground {
  name: string;
  /** Printed before it starts. */
  introduction: string;
  /** Of Node. */
  args: readonly string[];
  onStart(): void;
}

/** Runs a server to its end. Returns its exit code; after a signal, the code that a shell would give. */
export function runInForeground({ name, introduction, args, onStart }: Foreground): Promise<number> {
  process.stderr.write(foldedFor(process.stderr, introduction));
  makeLastWill();
  // In its own process group: a terminal sends Ctrl+C to all processes of ours, and the server must get it once, from
  // here. A second signal would make step 10 abort its shutdown.
  const child = spawn(process.execPath, args, {
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
    child.on('spawn', onStart);
    child.on('error', error => reject(new CommandError(`${name} did not start: ${error.message}`)));
    child.on('exit', (exitCode, signal) => {
      if (signal !== null && signal !== last?.signal)
        process.stderr.write(`${name} was killed by ${signal}\n`);
      resolve(signal === null ? (exitCode ?? 1) : 128 + constants.signals[signal]);
    });
  });
}

/** The path to a chapter from here; empty where there is none. */
export function chapterOf(folder: string): string {
  const chapter = `${ROOT}steps/${folder}/README.md`;
  const shown = relative(process.cwd(), chapter);
  if (!existsSync(chapter)) return '';
  return shown.startsWith('..') ? chapter : shown;
}

/**
 * Where a signal may come from: a terminal that has hung up, or npm, which passes signals on and may die of them.
 */
import { closeSync } from 'node:fs';
import { isatty } from 'node:tty';

/** Whether a standard stream is a terminal that has not hung up. */
export const isOnTerminal = () => isatty(1) || isatty(2) || (isatty(0) && process.platform === 'linux');

/**
 * Whether a SIGHUP says that our terminal has gone. `nohup` asks for SIGHUP to be ignored, which Node undoes at its
 * start; but it also redirects standard output, standard error and, on Linux, standard input, if they are terminals.
 *
 * Asked at the start: a terminal that has hung up is none any more.
 */
export const hasTerminal = isOnTerminal();

/** Set by npm, pnpm and yarn; a program that one of their scripts starts in turn inherits it, hence the second part. */
const script = process.env.npm_lifecycle_script ?? '';
const isStartedByNpm = /\btally\b|\bcli\/main\.[jt]s\b/.test(script);

/** npm passes a signal on at once, unless the machine is very busy. */
const NPM_REPEAT_MS = 1_000;
/** No person gives a signal twice within this time. Programs do: `timeout` signals its command, and then its group. */
const REPEAT_MS = 100;
const PARENT_LOOK_MS = 250;
/** npm dies of a SIGHUP that comes to both of us; on a busy machine that takes a while. */
const HANG_UP_MS = 10_000;

let earlyHangUps = 0;

/** A SIGHUP came before the server could heed it. */
export function keepHangUp(): void {
  earlyHangUps += 1;
}

export const hadEarlyHangUp = () => earlyHangUps > 0;

/**
 * Whether the second of two signals is the first one again: sent to a process group, a signal reaches us directly, and
 * once more through whoever passes it on. Nothing tells the two apart but the time between them.
 */
export function isRepeated(first: NodeJS.Signals, second: NodeJS.Signals, betweenMs: number): boolean {
  return first === second && betweenMs < (isStartedByNpm ? NPM_REPEAT_MS : REPEAT_MS);
}

/**
 * If npm started this process: when it ends, it gets SIGTERM. npm runs a command through `sh`, and passes a signal on
 * to that alone; it dies, and so does npm.
 */
export function endWithNpm(): void {
  // A script may leave us in the background on purpose.
  if (!isStartedByNpm || script.trimEnd().endsWith('&')) return;
  const parent = process.ppid;
  let hungUpMs = Number.NEGATIVE_INFINITY;
  const look = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(look);
    // Under `nohup`, npm dies of this signal, and we don't.
    if (performance.now() - hungUpMs > HANG_UP_MS) process.kill(process.pid, 'SIGTERM');
  }, PARENT_LOOK_MS).unref();
  if (hasTerminal) return;
  process.on('SIGHUP', () => {
    hungUpMs = performance.now();
  });
}

/**
 * A terminal that has hung up makes Node abort at its exit, where it restores the modes of standard streams. It leaves
 * out those that are closed.
 */
export function closeGoneTerminals(): void {
  const terminals = [0, 1, 2].filter(fd => isatty(fd));
  process.on('exit', () => {
    for (const fd of terminals) if (!isatty(fd)) closeSync(fd);
  });
}

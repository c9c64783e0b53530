/** `tally watch`: a running server in the terminal, live, over the wire only. */

import { setTimeout as sleep } from 'node:timers/promises';
import { readAddress } from '../../cli/terminal/address.ts';
import { painterFor } from '../../cli/terminal/colours.ts';
import { Exit, exitOnSignals, jsonOf, runCommand } from '../../cli/terminal/command.ts';
import { CTRL_C, onKeys } from '../../cli/terminal/keys.ts';
import { readCount, readDurationMs } from '../../cli/terminal/numbers.ts';
import { printForMachines } from '../../cli/terminal/output.ts';
import { foldedFor } from '../../cli/terminal/prose.ts';
import { Screen } from '../../cli/terminal/screen.ts';
import { canRepaint } from '../../cli/terminal/terminal.ts';
import { readArgs, UsageError } from '../../cli/terminal/usage.ts';
import {
  CREDENTIAL_OPTIONS,
  type Credentials,
  describeCredentials,
  readCredentials,
  refuseInClear,
  refuseTokenFlag,
} from '../harness/credentials.ts';
import type { Look } from './look.ts';
import { lastLines, lookLine, watchLines } from './view.ts';
import { Watcher } from './watcher.ts';

const HELP = `tally watch [:PORT | HOST:PORT]: a running server, live (127.0.0.1:7878).

  tally watch                        the server of tally serve, until q or Ctrl+C
  tally watch :9000                  another port
  tally watch --interval 100ms       ten looks a second
  tally watch --count 5 | tee log    without a terminal: a line a look, here five of them
  tally watch --json --count 1       one look, for machines

What it shows is asked over the wire, by two connections of its own: {"type":"metrics","detail":true} for each
look, and health 20 times a second, whose latency everybody shares. Steps 9 and 10 tell less about themselves than
the finished server; a server without metrics still has its latency. If it goes away, it is tried again.

  --interval TIME    between two looks (500ms)
  --count N          end after so many
  --json             an object a look, with all that the server said; NO_COLOR is respected

For a server that speaks TLS, or asks who its clients are (the right needed is read):

${describeCredentials(21)}

Keys: q quits, p pauses, + and - change the interval.

Exit codes: 0 ended by q or --count, 1 no look found a server, or it does not take the token, 2 wrong usage,
130 ended by Ctrl+C.
`;

const OPTIONS = {
  interval: { type: 'string' },
  count: { type: 'string' },
  json: { type: 'boolean' },
  ...CREDENTIAL_OPTIONS,
} as const;
const STANDARD = ':7878';
const INTERVAL_MS = 500;
const INTERVAL_MS_MIN = 50;
const INTERVAL_MS_MAX = 60_000;
/** More than a terminal has columns for. */
const HISTORY_MAX = 400;

interface WatchOptions {
  host: string;
  port: number;
  intervalMs: number;
  count: number;
  json: boolean;
  credentials: Credentials;
}

export function watchCommand(args: string[]): Promise<void> {
  return runCommand('watch', HELP, args, async () => {
    const options = readOptions(args, process.env);
    exitOnSignals();
    const isLive = canRepaint(process.stdout) && !options.json;
    return isLive ? watchLive(options) : watchPlain(options);
  });
}

export function readOptions(args: string[], env: NodeJS.ProcessEnv = {}): WatchOptions {
  refuseTokenFlag(args);
  const { values, positionals } = readArgs('watch', args, OPTIONS);
  if (positionals.length > 1) throw new UsageError(`one server at a time, not ${positionals.join(' and ')}`);
  const count = values.count === undefined ? Number.POSITIVE_INFINITY : readCount(values.count);
  if (count === undefined || count < 1 || (Number.isFinite(count) && !Number.isInteger(count)))
    throw new UsageError(`--count ${values.count} is not a number of looks; the least is 1`);
  const intervalMs = values.interval === undefined ? INTERVAL_MS : readDurationMs(values.interval);
  if (intervalMs === undefined || intervalMs < INTERVAL_MS_MIN || intervalMs > INTERVAL_MS_MAX)
    throw new UsageError(
      `--interval ${values.interval} is not a time from ${INTERVAL_MS_MIN}ms to 1m, such as 500ms`,
    );
  const address = readAddress(positionals[0] ?? STANDARD);
  const credentials = readCredentials(values, env, warn);
  refuseInClear(credentials, address.host, values);
  return { ...address, intervalMs, count, json: values.json === true, credentials };
}

async function watchPlain(options: WatchOptions): Promise<number> {
  const { host, port, intervalMs, count, json, credentials } = options;
  const watcher = new Watcher(host, port, credentials);
  let isFound = false;
  if (!json) process.stdout.write(`tally watch ${watcher.address}, a look every ${intervalMs} ms\n`);
  try {
    for (let looks = 1; ; looks += 1) {
      const dueMs = performance.now() + intervalMs;
      const look = await watcher.look();
      isFound ||= look.state !== 'gone';
      if (json) printForMachines(`${jsonOf(look)}\n`);
      else process.stdout.write(`${foldedFor(process.stdout, lookLine(look))}\n`);
      if (looks >= count) break;
      await sleep(Math.max(0, dueMs - performance.now()));
    }
  } finally {
    watcher.close();
  }
  return ended(isFound, watcher.address);
}

async function watchLive(options: WatchOptions): Promise<number> {
  const watcher = new Watcher(options.host, options.port, options.credentials);
  const screen = new Screen(process.stdout);
  const paint = painterFor(process.stdout, process.env);
  const history: Look[] = [];
  let { intervalMs } = options;
  let isPaused = false;
  let isOver = false;
  /** Ends the rest between two looks. */
  let wake = new AbortController();
  const repaint = () => {
    const { columns, rows } = screen;
    screen.show(watchLines(history, { columns, rows, paint, isPaused, intervalMs }));
  };
  const setPace = (ms: number) => {
    intervalMs = Math.round(Math.max(INTERVAL_MS_MIN, Math.min(INTERVAL_MS_MAX, ms)));
  };
  const stopKeys = onKeys(key => {
    if (key === CTRL_C) process.exit(130);
    if (key === 'q') isOver = true;
    else if (key === 'p' || key === ' ') isPaused = !isPaused;
    else if (key === '+' || key === '=') setPace(intervalMs / 2);
    else if (key === '-') setPace(intervalMs * 2);
    else return;
    repaint();
    wake.abort();
  });
  screen.open(() => lastLines(history, { columns: screen.columns, intervalMs }));
  screen.onResize(repaint);
  repaint();
  let looks = 0;
  let isFound = false;
  try {
    while (!isOver && looks < options.count) {
      wake = new AbortController();
      if (!isPaused) {
        const look = await watcher.look();
        isFound ||= look.state !== 'gone';
        looks += 1;
        history.push(look);
        if (history.length > HISTORY_MAX) history.shift();
        if (!isOver && !isPaused) repaint();
      }
      if (!isOver && looks < options.count)
        await sleep(intervalMs, undefined, { signal: wake.signal }).catch(() => {});
    }
  } finally {
    stopKeys();
    screen.close();
    watcher.close();
  }
  return isOver ? Exit.ok : ended(isFound, watcher.address);
}

function ended(isFound: boolean, address: string): number {
  if (isFound) return Exit.ok;
  process.stderr.write(`tally watch: nothing listens on ${address}; npx tally serve starts a server\n`);
  return Exit.failed;
}

function warn(what: string): void {
  process.stderr.write(`tally watch: ${what}\n`);
}

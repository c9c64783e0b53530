/**
 * Does what a page says, in its order, as somebody who reads it: starts the server that it says to start, and runs the
 * commands against that one, on its port. The server of a chapter is its step, elsewhere the finished one.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Subject } from '../../steps/kit/manifest.ts';
import { startStep } from '../../steps/kit/server.ts';
import { startServer } from '../support/server.ts';
import type { Command } from './commands.ts';
import type { Page } from './pages.ts';
import { stepOfPage } from './programs.ts';

export const PORT = '7878';
const BACKGROUND_MS_MAX = 5_000;
const STOPPING_MS_MAX = 10_000;

export interface Ran {
  /** As it was run. */
  script: string;
  exitCode: number | null;
  /** Both streams, as a terminal shows them. */
  output: string;
  isLate: boolean;
}

/** Where it is not as the page has it. */
interface How {
  script?: string;
  folder?: string;
  /** What it prints when it may get Ctrl+C. */
  until?: RegExp | undefined;
}

interface Running {
  port: number;
  pid?: number | undefined;
  /** By itself: some steps can be killed. */
  hasEnded: () => boolean;
  stop(): Promise<unknown>;
}

/** `node server.ts …`, `npm start -- …`, `npx tally step 4 …`, `npx tally serve …`: the flags that it is started with. */
export function startedBy({ text }: { text: string }): string[] | undefined {
  const line = text.trim();
  const flags =
    /^(?:npx -y )?node(?:@\d+)? (?:--[\w-]+(?:=\S+| \.\/\S+)? )*server\.ts(.*)$/.exec(line) ??
    /^npm start(?: --(.*))?$/.exec(line) ??
    /^(?:npx )?tally (?:serve|step \d+)((?: --.*)?)$/.exec(line);
  return flags === null || /\n|--help/.test(line) ? undefined : (flags[1] ?? '').split(' ').filter(Boolean);
}

export class Reader {
  readonly #page: Page;
  /** Of the server. */
  flags: string[] = [];
  #server: Running | undefined;
  /** Nobody has spoken to the server yet. */
  isFresh = true;

  constructor(page: Page) {
    this.#page = page;
  }

  /** The next command that wants a server gets one with these flags. */
  async start(flags: string[]): Promise<void> {
    await this.close();
    this.flags = flags.filter((flag, at) => flag !== '--port' && flags[at - 1] !== '--port');
  }

  async server(): Promise<Running> {
    if (this.#server === undefined || this.#server.hasEnded()) {
      const step = stepOfPage(this.#page);
      if (step === undefined) {
        const server = await startServer(this.flags);
        this.#server = { ...server, hasEnded: () => server.process.exitCode !== null };
      } else {
        const server = await startStep(step.number as Subject, {}, this.flags);
        const { port, pid, stop } = server;
        this.#server = { port, pid, stop, hasEnded: () => server.hasEnded };
      }
      this.isFresh = true;
    }
    return this.#server;
  }

  /** Runs a text in bash, within a time; `how` may have another than the page's. */
  async run(command: Command, limitMs: number, how: How = {}): Promise<Ran> {
    const { script = command.text, folder = tmpdir(), until } = how;
    const wantsServer = new RegExp(`\\b${PORT}\\b|\\bPID\\b|tally load|\\bcurl\\b`).test(script);
    const server = wantsServer ? await this.server() : undefined;
    const own = script
      .replaceAll(PORT, String(server?.port ?? PORT))
      .replace(/\$?\bPID\b/g, String(server?.pid ?? 'PID'))
      .replace(/\btally load\b(?! --help)/g, `tally load --port ${server?.port ?? PORT}`);
    const ran = await inBash(own, folder, limitMs, until);
    if (wantsServer) this.isFresh = false;
    return ran;
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await server?.stop();
  }
}

/**
 * In a process group of its own, which ends as a whole. What the text leaves in the background has a moment to end by
 * itself. What is late gets Ctrl+C.
 */
async function inBash(script: string, cwd: string, limitMs: number, until?: RegExp): Promise<Ran> {
  const child = spawn('bash', ['-c', script], {
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', LC_ALL: 'C.UTF-8' },
  });
  let output = '';
  let sayReady: () => void;
  const ready = new Promise<void>(resolve => {
    sayReady = resolve;
  });
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', text => {
      output += text;
      if (until?.test(output)) sayReady();
    });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  // When the background, which has the same streams, has ended too.
  const closed = once(child, 'close');
  const isLate = await isLaterThan(exited, Promise.race([ready, sleep(limitMs, undefined, { ref: false })]));
  if (isLate) signalGroup(child, 'SIGINT');
  await isLaterThan(closed, sleep(isLate ? STOPPING_MS_MAX : BACKGROUND_MS_MAX, undefined, { ref: false }));
  signalGroup(child, 'SIGKILL');
  const [exitCode] = await exited;
  await closed;
  return { script, exitCode, output, isLate };
}

async function isLaterThan(event: Promise<unknown>, other: Promise<unknown>): Promise<boolean> {
  return Promise.race([event.then(() => false), other.then(() => true)]);
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-child.pid!, signal);
  } catch {
    // It has ended.
  }
}

/**
 * What of an output is the same each time: its lines without their numbers and in any order. What the page leaves out
 * with an ellipsis can't be compared.
 */
export function shapeOf(text: string): string[] {
  const lines = text
    .split('\n')
    .map(line =>
      line
        .replace(/\d[\d,.]*/g, '#')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .filter(Boolean);
  return [...new Set(lines)].sort();
}

/**
 * A program as a child process: its output, its end, and signals to it. When this process ends, in any way, all that
 * it has started is ended too.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { withoutControls } from '../../cli/terminal/quoting.ts';
import { killAfterUs, makeLastWill } from './last-will.ts';

export interface Program {
  /** For messages. */
  name: string;
  program: string;
  args: readonly string[];
  /** The folder in which it runs; that of this process, if it is left out. */
  cwd?: string;
  /** Beside the variables of this process. */
  env?: Readonly<Record<string, string>>;
  /** As whom it runs; as this process does, if it is left out. */
  user?: { uid: number; gid: number };
  /** In a process group of its own: a shell, and whatever that starts. It must wait for a line of input. */
  isGroup?: boolean;
  /** Messages may be exchanged with it (`process.send`). */
  hasChannel?: boolean;
  /** Hears each line of its standard output. */
  onLine?(line: string): void;
  /** When it has ended, or this process ends: removes what it leaves. Must be quick, and may come twice. */
  cleanUp?(): void;
}

export interface Ended {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
}

export interface Running {
  child: ChildProcess;
  /** Undefined where it could not be started. */
  pid: number | undefined;
  /** Why it could not be started. */
  mistake: NodeJS.ErrnoException | undefined;
  hasEnded: boolean;
  /** Resolves when all its output is read; for a group, when its first process has ended. */
  ended: Promise<Ended>;
  /** Its last output, to explain why it ended; without what a terminal would obey. */
  output(): string;
  /** The same of standard error alone. */
  errors(): string;
  signal(name: NodeJS.Signals): void;
  /** Ends it at once. */
  stop(): Promise<void>;
}

const OUTPUT_CHARACTERS_MAX = 4_000;

const atExit = new Set<() => void>();
process.on('exit', () => {
  for (const end of atExit) end();
});

/** Makes a child process end with this process. */
export function endsWithUs(child: ChildProcess): void {
  const kill = () => child.kill('SIGKILL');
  const forget = child.pid === undefined ? () => {} : killAfterUs(child.pid);
  atExit.add(kill);
  child.once('close', () => {
    atExit.delete(kill);
    forget();
  });
}

export function start({ program, args, cwd, env, user, isGroup = false, ...more }: Program): Running {
  const { hasChannel = false, onLine, cleanUp } = more;
  makeLastWill();
  const child = spawn(program, args, {
    stdio: [isGroup ? 'pipe' : 'ignore', 'pipe', 'pipe', ...(hasChannel ? (['ipc'] as const) : [])],
    detached: isGroup,
    ...(cwd && { cwd }),
    ...(env && { env: { ...process.env, ...env } }),
    ...user,
  });
  // From here on it ends with this process. If this one is killed before, the line never comes, and nothing has started.
  const forget = child.pid === undefined ? () => {} : killAfterUs(isGroup ? -child.pid : child.pid);
  child.stdin?.on('error', () => {}).end('\n');
  const [stdout, stderr] = [child.stdout!, child.stderr!];
  let output = '';
  let errors = '';
  for (const stream of [stdout, stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-OUTPUT_CHARACTERS_MAX);
      if (stream === stderr) errors = (errors + text).slice(-OUTPUT_CHARACTERS_MAX);
    });
  if (onLine) createInterface({ input: stdout }).on('line', onLine);
  const signal = (name: NodeJS.Signals) => signalTo(child, isGroup, name);
  const end = () => {
    signal('SIGKILL');
    cleanUp?.();
  };
  atExit.add(end);
  const running: Running = {
    child,
    pid: child.pid,
    mistake: undefined,
    hasEnded: false,
    ended: new Promise<Ended>(resolve => {
      child.on('error', error => {
        running.mistake = error;
        output += error.message;
        resolve({ exitCode: null, signal: null });
      });
      // A process that has left the group may still hold its output open.
      child.on(isGroup ? 'exit' : 'close', (exitCode, by) => resolve({ exitCode, signal: by }));
    }),
    output: () => withoutControls(output).trimEnd(),
    errors: () => withoutControls(errors).trimEnd(),
    signal,
    async stop() {
      signal('SIGKILL');
      await running.ended;
      stdout.destroy();
      stderr.destroy();
      atExit.delete(end);
      forget();
    },
  };
  void running.ended.then(() => {
    running.hasEnded = true;
    cleanUp?.();
    // A group may live on when its first process has ended.
    if (isGroup) return;
    atExit.delete(end);
    forget();
  });
  return running;
}

function signalTo(child: ChildProcess, isGroup: boolean, name: NodeJS.Signals): void {
  if (child.pid === undefined || (!isGroup && (child.exitCode !== null || child.signalCode !== null))) return;
  try {
    process.kill(isGroup ? -child.pid : child.pid, name);
  } catch {
    // No process is left.
  }
}

/**
 * Standard outputs that are hard on who writes to them: pipes and terminals that are closed, full, held or slow. Each
 * as a descriptor, or a command, for one server.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endsWithUs } from '../../src/tools/harness/process.ts';
import { until } from '../../src/tools/harness/waiting.ts';

/** A server whose output is not as it should be. */
export interface Hindered {
  /** Of the server itself. */
  pid: number;
  /** Called when it listens: from here on the output is bad, if it was not before. */
  worsen(): Promise<void>;
  /** Called when the signal is sent: what waits is read, little by little. */
  relent(): Promise<void>;
  /** All that could be read. */
  text(): string;
  exitCode: Promise<number | null>;
  /** Removes what is left of it. */
  end(): void;
}

export const OUTPUTS = {
  'a pipe that is closed': (command: string[]) => onPipe(command, 'closed'),
  'a pipe that is held': (command: string[]) => onPipe(command, 'held'),
  'a pipe that is read slowly': (command: string[]) => onPipe(command, 'slow'),
  'a disk that is full': onFullDisk,
  'a terminal that is closed': onClosedTerminal,
  'a terminal that is held': (command: string[]) => onTerminal(command, 'held'),
  'a terminal that is read slowly': (command: string[]) => onTerminal(command, 'slow'),
} satisfies Record<string, (command: string[]) => Hindered | Promise<Hindered>>;

export type OutputKind = keyof typeof OUTPUTS;

const CHUNK_BYTES = 4_096;
const READ_EVERY_MS = 20;
/** As typed: they stop a terminal's output, and let it go on. */
const CTRL_S = '\u0013';
const CTRL_Q = '\u0011';

function onPipe(command: string[], how: 'closed' | 'held' | 'slow'): Hindered {
  const { folder, end } = tempFolder();
  const path = join(folder, 'pipe');
  spawnSync('mkfifo', [path]);
  const ours = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const theirs = openSync(path, constants.O_WRONLY);
  if (how === 'closed') closeSync(ours);
  else fill(ours);
  const server = run(command, theirs);
  closeSync(theirs);
  let text = '';
  let isOver = how !== 'slow';
  const read = () => {
    try {
      const bytes = Buffer.alloc(CHUNK_BYTES);
      text += bytes.toString('latin1', 0, readSync(ours, bytes));
    } catch {}
  };
  return {
    pid: server.child.pid!,
    worsen: async () => {},
    async relent() {
      for (; !isOver; await sleep(READ_EVERY_MS)) read();
    },
    text: () => {
      for (let length = -1; how === 'slow' && length < text.length; read()) length = text.length;
      return text.replaceAll('x', '');
    },
    exitCode: server.exitCode.finally(() => {
      isOver = true;
    }),
    end() {
      if (how !== 'closed') closeSync(ours);
      end();
    },
  };
}

function onFullDisk(command: string[]): Hindered {
  const full = openSync('/dev/full', 'w');
  const { child, exitCode } = run(command, full);
  closeSync(full);
  const nothing = async () => {};
  return { pid: child.pid!, worsen: nothing, relent: nothing, text: () => '', exitCode, end: () => {} };
}

async function onTerminal(command: string[], how: 'held' | 'slow'): Promise<Hindered> {
  const { child } = run(['script', '-qefc', `exec ${quoted(command)}`, '/dev/null'], 'pipe', 'pipe');
  const pid = await childOf(child.pid!);
  child.stdin!.on('error', () => {});
  let text = '';
  child.stdout!.setEncoding('utf8').on('data', (some: string) => {
    text += some;
  });
  return {
    pid,
    async worsen() {
      child.stdin!.write(CTRL_S);
      await until(() => isHeld(`/proc/${pid}/fd/1`), 'the terminal to be held');
    },
    async relent() {
      if (how === 'held') return;
      await sleep(READ_EVERY_MS);
      child.stdin!.write(CTRL_Q);
    },
    text: () => text,
    exitCode: new Promise(resolve => child.on('close', code => resolve(code))),
    end: () => child.kill('SIGKILL'),
  };
}

/** The terminal goes while the server runs. Its shell alone is told, and does not pass it on. */
async function onClosedTerminal(command: string[]): Promise<Hindered> {
  const { folder, end } = tempFolder();
  const file = join(folder, 'exit');
  const shell = `trap "" HUP; ${quoted(command)}; echo $? > ${file}; :`;
  const { child } = run(['script', '-qefc', shell, '/dev/null'], 'ignore', 'pipe');
  const pid = await childOf(await childOf(child.pid!));
  return {
    pid,
    async worsen() {
      child.kill('SIGKILL');
    },
    relent: async () => {},
    text: () => '',
    get exitCode() {
      const code = () => readOr(file);
      return until(() => code().endsWith('\n'), 'the server to end', 600_000).then(() => Number(code()));
    },
    end() {
      child.kill('SIGKILL');
      end();
    },
  };
}

function run(
  [program, ...args]: string[],
  stdout: number | 'pipe' | 'ignore',
  stdin: 'pipe' | 'ignore' = 'ignore',
) {
  const child: ChildProcess = spawn(program!, args, { stdio: [stdin, stdout, 'ignore'] });
  endsWithUs(child);
  return {
    child,
    exitCode: new Promise<number | null>(resolve => child.on('exit', code => resolve(code))),
  };
}

function isHeld(terminal: string): boolean {
  const fd = openSync(terminal, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    writeSync(fd, ' ');
    return false;
  } catch {
    return true;
  } finally {
    closeSync(fd);
  }
}

/** Until not a byte fits any more. */
function fill(pipe: number): void {
  for (let bytes = CHUNK_BYTES; bytes >= 1; bytes = Math.floor(bytes / CHUNK_BYTES))
    try {
      for (;;) writeSync(pipe, 'x'.repeat(bytes));
    } catch {}
}

/** Or is a zombie, which its parent has not asked for yet. */
export function hasEnded(pid: number): boolean {
  const stat = readOr(`/proc/${pid}/stat`);
  return stat === '' || stat.slice(stat.lastIndexOf(')')).startsWith(') Z');
}

async function childOf(pid: number): Promise<number> {
  const children = () => readOr(`/proc/${pid}/task/${pid}/children`);
  await until(() => children() !== '', `a child of ${pid}`);
  return Number(children().split(' ')[0]);
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function quoted(command: string[]): string {
  return command.map(word => `'${word}'`).join(' ');
}

function tempFolder(): { folder: string; end: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'tally-output-'));
  return { folder, end: () => rmSync(folder, { recursive: true, force: true }) };
}

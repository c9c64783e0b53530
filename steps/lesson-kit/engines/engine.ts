/**
 * An engine that lessons use as the field does: a server of somebody else, from Debian's packages. It listens on a free
 * port of loopback, keeps its files in a temporary folder, and ends, with that folder, when it is stopped or this process
 * ends.
 */
import { spawnSync } from 'node:child_process';

export type EngineName = 'redis' | 'postgres' | 'nats';

export interface Engine {
  name: EngineName;
  /** For clients. */
  url: string;
  pid: number | undefined;
  /** To pause it (SIGSTOP, SIGCONT), or to end it. */
  signal(name: NodeJS.Signals): void;
  stop(): Promise<void>;
}

export interface EngineKind {
  name: EngineName;
  title: string;
  /** Debian's package. */
  debian: string;
  /** Homebrew's. */
  brew: string;
  isHere(): boolean;
  start(): Promise<Engine>;
}

/** Whether a program can be run; it must know `--version`. */
export function isProgramHere(program: string): boolean {
  return spawnSync(program, ['--version']).status === 0;
}

/**
 * The arguments of `sh` that run a program: in a process group of its own, where Ctrl+C does not reach it, it waits for
 * the word to start; and all that it says comes on standard output.
 */
export function inShell(program: string, args: readonly string[]): string[] {
  return ['-c', 'read -r go || exit; exec "$0" "$@" 2>&1 </dev/null', program, ...args];
}

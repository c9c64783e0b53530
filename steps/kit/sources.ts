/** The server that a command examines: `--cmd`, `--connect`, or a step of this repository. */
import { readAddress } from '../../src/cli/terminal/address.ts';
import { UsageError } from '../../src/cli/terminal/usage.ts';
import type { Subject } from './manifest.ts';
import { readStep } from './manifest.ts';
import { ofAddress, ofCommand, ofStep, type Source } from './server.ts';

export const SOURCE_OPTIONS = {
  cmd: { type: 'string' },
  connect: { type: 'string' },
  step: { type: 'string' },
} as const;

export interface Given {
  cmd?: string | undefined;
  connect?: string | undefined;
  step?: string | undefined;
}

/** At most one may be given; if none is, the step `otherwise`. */
export function sourceOf({ cmd, connect, step }: Given, otherwise?: number): Source {
  onlyOneOf({ cmd, connect, step });
  if (cmd !== undefined) return ofCommand(cmd);
  if (connect !== undefined) {
    const { host, port } = readAddress(connect, '--connect ');
    return ofAddress(host, port);
  }
  if (step !== undefined) return ofStep(subjectOf(step));
  if (otherwise === undefined) throw new UsageError("which server? --cmd 'COMMAND' or --connect HOST:PORT");
  return ofStep(otherwise);
}

/** At most one names a server, and a command is one. */
export function onlyOneOf(names: Readonly<Record<string, string | undefined>>): void {
  const given = Object.entries(names).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`]));
  if (given.length > 1)
    throw new UsageError(`${given.join(' and ')} exclude each other: one server at a time`);
  if (names.cmd?.trim() === '')
    throw new UsageError("--cmd is empty; it needs a command, as in --cmd 'python3 server.py'");
}

function subjectOf(text: string): Subject {
  return text === 'src' ? text : readStep(text, 'step', ', and src').number;
}

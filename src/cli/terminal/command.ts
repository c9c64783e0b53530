/** Runs a command: help, mistakes as one line with an exit code, signals, and JSON results. */
import { constants } from 'node:os';
import { printHelp } from './help.ts';
import { prepareOutput } from './output.ts';
import { UsageError } from './usage.ts';

/** The request is valid, but can't be carried out. */
export class CommandError extends Error {}

export const Exit = { ok: 0, failed: 1, usage: 2 } as const;

/** Runs a command and returns its exit code: its own, 1 if it could not be carried out, 2 for wrong usage. */
export async function runCommand(
  name: string,
  help: string,
  args: string[],
  run: (args: string[]) => number | Promise<number>,
  onReaderGone?: () => void,
): Promise<void> {
  prepareOutput(`tally ${name}`, onReaderGone);
  if (args.includes('--help') || args.includes('-h')) {
    return printHelp(help);
  }
  try {
    process.exitCode = await run(args);
  } catch (error) {
    process.stderr.write(`tally ${name}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = error instanceof UsageError ? Exit.usage : Exit.failed;
  }
}

/** Ends this process through its exit listeners, which end the servers it has started. */
export function exitOnSignals(): void {
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const)
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
}

/** JSON in which unknown values are written as such. */
export function jsonOf(value: unknown, indent?: number): string {
  return JSON.stringify(value, (_, each: unknown) => (each === undefined ? null : each), indent);
}

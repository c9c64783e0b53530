/** How a command runs and ends: help, mistakes as one line with an exit code, signals, and results for machines. */
import { constants } from 'node:os';
import { printHelp } from './help.ts';
import { UsageError } from './usage.ts';

/** What was asked for is right, and cannot be done. */
export class CommandError extends Error {}

export const Exit = { ok: 0, failed: 1, usage: 2, unread: 141 } as const;

/** Runs a command to its exit code: its own, 1 where it could not be done, 2 where it was wrongly asked for. */
export async function runCommand(
  name: string,
  help: string,
  args: string[],
  run: (args: string[]) => number | Promise<number>,
): Promise<void> {
  // As in `tally pain --all | head -3`: nobody reads the rest. What was started ends with this process.
  process.stdout.on('error', () => process.exit(Exit.unread));
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

/** Servers that were started end with this process, which must not end without its exit listeners. */
export function exitOnSignals(): void {
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const)
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
}

/** For machines, in which what is not known is said to be so. */
export function jsonOf(value: unknown, indent?: number): string {
  return JSON.stringify(value, (_, each: unknown) => (each === undefined ? null : each), indent);
}

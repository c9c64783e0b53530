/**
 * How the programs of this folder end. Whoever starts other programs ends them in a listener of the process's `exit`
 * event: that runs after an error and on Ctrl+C too, since the signals end here in an orderly exit.
 */
import { UsageError } from '../src/cli/terminal/usage.ts';

/** Runs a program to its end. An error is one line on standard error; exit code 2 for wrong usage, otherwise 1. */
export async function runProgram(name: string, main: (args: string[]) => Promise<void>): Promise<void> {
  process.on('SIGINT', () => process.exit(130));
  process.on('SIGTERM', () => process.exit(143));
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`);
    // Not only the exit code: what has been left running must not keep the process.
    process.exit(error instanceof UsageError ? 2 : 1);
  }
}

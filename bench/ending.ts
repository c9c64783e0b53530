/**
 * How the programs of this folder end. A program that starts others ends them in a listener of the process's `exit`
 * event, which also runs after an error and on Ctrl+C, since signals lead to an orderly exit here.
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
    // Not only the exit code: work that is left must not keep the process alive.
    process.exit(error instanceof UsageError ? 2 : 1);
  }
}

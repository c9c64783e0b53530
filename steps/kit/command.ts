/** What the commands of the path have in common: help, switches, and mistakes as one line with an exit code. */
import { constants } from 'node:os';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { printHelp } from '../../src/cli/terminal/help.ts';
import { UsageError } from '../../src/cli/terminal/numbers.ts';
import { STEPS, type Step, stepOf } from './manifest.ts';

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

/** Splits arguments into words and the switches that are on. A switch that is not known is a mistake. */
export function readSwitches<Name extends string>(
  command: string,
  args: string[],
  known: readonly Name[],
): { words: string[]; on: Set<Name> } {
  const words: string[] = [];
  const on = new Set<Name>();
  for (const arg of args) {
    if (!arg.startsWith('-')) words.push(arg);
    else if ((known as readonly string[]).includes(arg)) on.add(arg as Name);
    else throw new UsageError(`${arg} is no flag of tally ${command}; it takes ${listed(known)}`);
  }
  return { words, on };
}

/** Flags with values, and words. What `parseArgs` complains of is said in this program's words. */
export function readArgs<Options extends NonNullable<ParseArgsConfig['options']>>(
  command: string,
  args: string[],
  options: Options,
) {
  try {
    return parseArgs({ args, allowPositionals: true, options });
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    const flag = /'(-[^' ]*)/.exec(message)?.[1] ?? '';
    if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION')
      throw new UsageError(`${flag} is no flag of tally ${command}; tally ${command} --help lists them`);
    const isSwitch = options[flag.slice(2)]?.type === 'boolean';
    throw new UsageError(
      isSwitch ? `${flag} takes no value` : `${flag} wants a value; tally ${command} --help shows how`,
    );
  }
}

/** Steps and their pains have the same numbers. */
export function readStep(text: string, what = 'step', others = ''): Step {
  const number = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > STEPS.length)
    throw new UsageError(
      `there is no ${what} ${text}: they are 1 to ${STEPS.length}${others}; tally steps lists them`,
    );
  return stepOf(number);
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

/** `a, b and c`. */
export function listed(words: readonly string[], last = 'and'): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;
}

/** Reads arguments of commands: words, switches and flags. A mistake is one line that says what would be right. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { orNearest } from './nearest.ts';
import { joinNegatives } from './negatives.ts';
import { listed } from './prose.ts';

/** Wrong usage of a command: one line that says what is wrong and what would be right. */
export class UsageError extends Error {}

/** Splits arguments into words and the switches that are on. An unknown switch is a mistake. */
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
    else
      throw new UsageError(
        `unknown flag ${arg}${orNearest(arg, known)}; tally ${command} takes ${listed(known)}`,
      );
  }
  return { words, on };
}

/** Reads flags with values, and words. Errors of `parseArgs` are reported in this program's words. */
export function readArgs<Options extends NonNullable<ParseArgsConfig['options']>>(
  command: string,
  args: string[],
  options: Options,
) {
  try {
    return parseArgs({ args: joinNegatives(args), allowPositionals: true, options });
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    const flag = /'(-[^' ]*)/.exec(message)?.[1] ?? '';
    const flags = Object.keys(options).map(name => `--${name}`);
    if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION')
      throw new UsageError(
        `unknown flag ${flag}${orNearest(flag, flags)}; tally ${command} --help lists the flags`,
      );
    const isSwitch = options[flag.slice(2)]?.type === 'boolean';
    throw new UsageError(
      isSwitch ? `${flag} takes no value` : `${flag} needs a value; tally ${command} --help shows how`,
    );
  }
}

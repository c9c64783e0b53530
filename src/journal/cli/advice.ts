/** Damage as one line of a command: what is wrong, and where to read more. */
import { CommandError } from '../../cli/terminal/command.ts';
import { quoteForShellIfNeeded, withoutControls } from '../../cli/terminal/quoting.ts';
import { Damage } from '../format.ts';

export async function orAdvice<Value>(dir: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Damage)) throw error;
    throw new CommandError(
      `${withoutControls(error.message)}; tally journal verify ${quoteForShellIfNeeded(dir)} says what can be done`,
    );
  }
}

/** `tally lab NAME`: something small to run beside a step. */
import { runCommand } from '../../src/cli/terminal/command.ts';
import { listed } from '../../src/cli/terminal/prose.ts';
import { UsageError } from '../../src/cli/terminal/usage.ts';
import { readFlags } from '../kit/foreground.ts';
import { AWAIT_LAB } from './02-await/lab.ts';
import { READ_MOSTLY_LAB } from './08-read-mostly/lab.ts';
import type { Lab } from './lab.ts';

export const LABS: readonly Lab[] = [AWAIT_LAB, READ_MOSTLY_LAB];

const HELP = `tally lab NAME: something small beside a step, run and measured. It takes up to half a minute, and needs Node alone.

${LABS.map(({ name, title, folder }) => `  tally lab ${name.padEnd(12)} beside step ${Number.parseInt(folder, 10)}: ${title}\n`).join('')}
${LABS.flatMap(({ name, takes }) => [...takes].map(([flag, { values }]) => `  ${`${flag} N`.padEnd(16)} of ${name}: ${values}\n`)).join('')}
Exit codes: 0 measured, 1 could not be measured, 2 wrong usage.
`;

export function labCommand(args: string[]): Promise<void> {
  return runCommand('lab', HELP, args, async ([which, ...rest]) => {
    const names = listed(LABS.map(({ name }) => name));
    if (which === undefined || which.startsWith('-')) throw new UsageError(`which one? There are ${names}`);
    const lab = LABS.find(({ name }) => name === which);
    if (lab === undefined) throw new UsageError(`there is no lab ${which}; there are ${names}`);
    const given = readFlags(`lab ${which}`, lab.takes, rest);
    process.stdout.write(`Lab ${which}: ${lab.title}\nRead: steps/labs/${lab.folder}/README.md\n\n`);
    await lab.run(given, line => process.stdout.write(`${line}\n`));
    return 0;
  });
}

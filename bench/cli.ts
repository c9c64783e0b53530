/**
 * `npm run bench`: runs benches by name, prints a table for each, stores the results.
 *
 * A bench that starts other programs ends them in a listener of the process's `exit` event, which also runs after an
 * error and on Ctrl+C, since signals lead to an orderly exit here. Threads end with the process.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { printHelp } from '../src/cli/terminal/help.ts';
import { UsageError } from '../src/cli/terminal/usage.ts';
import { describeMachine, machineLine } from '../src/tools/harness/machine.ts';
import type { BenchRecord, Size } from './bench.ts';
import { BENCHES, chosenBenches, GROUPS } from './benches.ts';
import { runProgram } from './ending.ts';
import { currentCommit, jsonOf, RESULTS_FOLDER, record, writeRecord } from './record.ts';
import { tableOf } from './table.ts';

const HELP = `npm run bench -- [flags] [NAME…]: run benches; if none is named, all but the hour of soak, and against.

  --list         the benches by name
  --small        run each for a second or two, to see that it works; the figures mean nothing, and no results
                 are kept unless --out says where
  --out FOLDER   where to keep the results, a file a bench: FOLDER/NAME.json (default: bench/results)
  --json FILE    write all results into one file too, as a list; - is standard output, and then everything else
                 goes to standard error
  --build DIR    for against: a checkout that has been built, for example a worktree of an earlier commit
  -h, --help     this text

Every bench checks its answers. Exit codes: 0 done, 1 a bench failed or an answer was wrong, 2 wrong usage.
`;

async function main(args: string[]): Promise<void> {
  const { values, names } = parse(args);
  if (values.help) return void printHelp(HELP);
  if (values.list) return void process.stdout.write(await list());

  const size: Size = values.small ? 'small' : 'full';
  const folder = values.out ?? (size === 'full' ? RESULTS_FOLDER : undefined);
  const print = (text: string) => (values.json === '-' ? process.stderr : process.stdout).write(text);
  // Before hours of measuring, not after.
  if (folder !== undefined) mkdirSync(folder, { recursive: true });
  if (values.json !== undefined && values.json !== '-') mkdirSync(dirname(values.json), { recursive: true });

  const commit = currentCommit();
  print(`${machineLine(describeMachine())}\n`);
  const options = values.build === undefined ? {} : { build: values.build };
  const found: BenchRecord[] = [];
  for (const name of names) {
    const { bench } = await BENCHES[name]!();
    print(`\n${name}: ${bench.about}\n`);
    const one = await record(bench, size, commit, line => process.stderr.write(`  ${line}\n`), options);
    found.push(one);
    print(`\n${tableOf(one.measures)}`);
    if (folder !== undefined) print(`\nkept in ${relative('', writeRecord(folder, one))}\n`);
  }
  if (values.json === '-') process.stdout.write(jsonOf(found));
  else if (values.json !== undefined) writeFileSync(values.json, jsonOf(found));
}

function parse(args: string[]) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        list: { type: 'boolean', default: false },
        small: { type: 'boolean', default: false },
        out: { type: 'string' },
        json: { type: 'string' },
        build: { type: 'string' },
      },
    });
    const { names, unknown } = chosenBenches(positionals);
    if (unknown !== undefined) {
      const known = [...Object.keys(GROUPS), ...Object.keys(BENCHES)].join(', ');
      throw new UsageError(`unknown bench: ${unknown}; there are ${known}`);
    }
    const isAgainst = names.includes('against');
    if (isAgainst !== (values.build !== undefined))
      throw new UsageError(isAgainst ? 'against what? --build DIR says it' : '--build DIR is for against');
    return { values, names };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    // The message of parseArgs, without its advice on names that start with a dash.
    throw new UsageError((error as Error).message.split('. ')[0]);
  }
}

async function list(): Promise<string> {
  const lines: string[] = [];
  for (const [name, load] of Object.entries(BENCHES))
    lines.push(`${name.padEnd(16)}${(await load()).bench.about}`);
  for (const [name, members] of Object.entries(GROUPS)) lines.push(`${name.padEnd(16)}${members.join(', ')}`);
  return `${lines.join('\n')}\n`;
}

await runProgram('bench', main);

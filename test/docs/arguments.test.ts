/**
 * The arguments of every command in the documents and in the help texts are right: the command's own reader says so.
 * Nothing is run.
 */
import { describe, expect, test, vi } from 'vitest';
import { readOptions as readFuzzOptions } from '../fuzz/options.ts';
import { allCommands } from './commands.ts';
import { CLI, COMMAND_NAMES, type DryRun, dryRun } from './dry-run.ts';
import { isPlaceholder, tallyArgs } from './programs.ts';
import { callsIn } from './shell.ts';

vi.mock('node:child_process', async original => ({
  ...(await original<object>()),
  ...(await import('./refusals.ts')).child_process,
}));
vi.mock('node:net', async original => ({
  ...(await original<object>()),
  ...(await import('./refusals.ts')).net,
}));
vi.mock('node:http', async original => ({
  ...(await original<object>()),
  ...(await import('./refusals.ts')).http,
}));
vi.mock('node:worker_threads', async original => ({
  ...(await original<object>()),
  ...(await import('./refusals.ts')).worker_threads,
}));
vi.mock('node:fs', async original => ({
  ...(await original<object>()),
  ...(await import('./refusals.ts')).fs,
}));
vi.mock('node:readline', async original => ({
  ...(await original<object>()),
  ...(await import('./refusals.ts')).readline,
}));
vi.mock('node:readline/promises', async original => ({
  ...(await original<object>()),
  ...(await import('./refusals.ts')).readline,
}));

/** Undefined: it is right. */
async function mistakeOf(args: string[]): Promise<string | undefined> {
  const [name = '', ...rest] = args;
  // Two files that are not there.
  if (name === 'compare' && rest.length === 2) return undefined;
  if (name === '' || isPlaceholder(name) || /^--?(?:help|version|[hv])$/.test(name)) return undefined;
  // What is to be filled in is judged with a sample in its place: one of them has to fit.
  if (rest.some(isPlaceholder) && !rest.every(isPlaceholder)) {
    const mistakes: string[] = [];
    for (const sample of SAMPLES) {
      const mistake = await mistakeOf([name, ...filledIn(rest, sample)]);
      if (mistake === undefined) return undefined;
      mistakes.push(mistake);
    }
    return mistakes[0];
  }
  // `tally load`, `tally load --rate`, `tally check N`: its name or a flag is talked of.
  const isTalkedOf = rest.every(isPlaceholder);
  const run = isTalkedOf ? await dryRun([name, '--help']) : await tried(args);
  if (run.exitCode === 2) return run.stderr;
  // What only somebody at a terminal can have has been understood as well.
  if (isTalkedOf || run.hasBegun || run.exitCode === 0 || run.stderr.includes('needs a terminal'))
    return undefined;
  return `it ended with ${run.exitCode} before it did anything: ${run.stderr}`;
}

/** For the value of a flag: a number that each takes, a command, an address, a name, a condition, a time. */
const SAMPLES = ['8', './server', '127.0.0.1:7878', 'sample', 'p99<5ms', '1s:1000'];

const STEPS: Record<string, string> = { N: '9', M: '10' };

/** `N` is a step, `M` the one behind it; `…` and `[flags]` may be nothing. */
function filledIn(words: string[], sample: string): string[] {
  return words.flatMap((word, at) => {
    if (!isPlaceholder(word)) return [word];
    if (word === 'PORT') return ['9100'];
    const flag = words[at - 1]?.startsWith('--') ? words[at - 1] : undefined;
    if (flag === undefined || word.startsWith('[')) return /^\[|…/.test(word) ? [] : [STEPS[word] ?? sample];
    return [flag === '--step' ? (STEPS[word] ?? sample) : sample];
  });
}

/** A flag without its value, in `tally load --rate`, is one that the help has. */
async function tried(args: string[]): Promise<DryRun> {
  const run = await dryRun(args);
  const flag = args.at(-1)!;
  if (run.exitCode !== 2 || args.length !== 2 || !flag.startsWith('--')) return run;
  const help = await dryRun([args[0]!, '--help']);
  return help.stdout.includes(` ${flag} `) ? help : run;
}

const commands = allCommands();

test('the commands of tally are known', () => {
  expect(COMMAND_NAMES).toContain('load');
  expect(COMMAND_NAMES).toContain('explore');
});

test('a dry run says what is right and what is not', async () => {
  expect(await mistakeOf(['pain', '5', '--step', '6'])).toBeUndefined();
  expect(await mistakeOf(['pain', '11'])).toMatch('there is no pain 11');
  expect(await mistakeOf(['load', '--rat', '5'])).toMatch('--rat');
  expect(await mistakeOf(['serve', '--ring', '1000'])).toMatch('not a power of two');
  expect(await mistakeOf(['explore', 'lost-updates'])).toMatch('there is no scenario lost-updates');
  expect(await mistakeOf(['check', '4', '--connect', 'x'])).toMatch('not HOST:PORT');
  expect(await mistakeOf(['step', '1', '--queue', '4'])).toMatch('does not take --queue');
  expect(await mistakeOf(['dance'])).toMatch('no command dance');
  // Beside what the reader fills in, too.
  expect(await mistakeOf(['serve', '--port', 'PORT', '--bogus'])).toMatch('--bogus');
  expect(await mistakeOf(['check', 'N', '--cmdd', 'x'])).toMatch('--cmdd');
  expect(await mistakeOf(['load', '…', '--rat', 'N'])).toMatch('--rat');
  for (const right of [
    'step N [flags]',
    'check N --cmd …',
    'pain N --step M',
    'check N --step N',
    'load --fail-if …',
    'race N M',
  ])
    expect(await mistakeOf(right.split(' ')), right).toBeUndefined();
});

test('what the documents call tally with is right', async () => {
  const wrong: string[] = [];
  for (const { where, calls } of commands)
    for (const { words } of calls) {
      const args = tallyArgs(words);
      const mistake = args && (await mistakeOf(args));
      if (mistake !== undefined) wrong.push(`${where}: ${words.join(' ')}: ${mistake}`);
    }
  expect(wrong).toEqual([]);
});

test('what the documents call the fuzzers with is right', () => {
  const wrong = commands.flatMap(({ where, calls }) =>
    calls.flatMap(({ words }) => {
      if (words.slice(0, 3).join(' ') !== 'npm run fuzz') return [];
      try {
        readFuzzOptions(words.slice(4));
        return [];
      } catch (error) {
        return [`${where}: ${words.join(' ')}: ${(error as Error).message}`];
      }
    }),
  );
  expect(wrong).toEqual([]);
});

describe('help', () => {
  /** In a help text a line that begins with a command is an example; what it is for stands behind some spaces. */
  const examplesIn = (help: string) =>
    [...help.matchAll(/^ {2}((?:npx )?tally .+)$/gm)].map(match => match[1]!.split(/ {2,}/)[0]!);

  const mistakesIn = async (help: string) => {
    const wrong: string[] = [];
    for (const example of examplesIn(help)) {
      const mistake = await mistakeOf(callsIn(example)[0]!.words.slice(1));
      if (mistake !== undefined) wrong.push(`${example}: ${mistake}`);
    }
    return wrong;
  };

  test.each(COMMAND_NAMES)('the examples of tally %s --help are right', async name => {
    const { stdout } = await dryRun([name, '--help']);
    expect(stdout).toMatch(new RegExp(`^tally ${name}\\b`));
    expect(await mistakesIn(stdout)).toEqual([]);
  });

  test('so are those of tally --help and tally serve --help', async () => {
    // cli.ts can't be loaded without being run.
    const texts = [...CLI.matchAll(/_?HELP = `([^`]+)`/g)].map(match => match[1]!);
    expect(texts.flatMap(examplesIn).length).toBeGreaterThan(10);
    expect((await Promise.all(texts.map(mistakesIn))).flat()).toEqual([]);
  });
});

/**
 * What the documents and the help texts call something of this repository with is right: the command's own reader says
 * so, and nothing is run. (What a block prints is for blocks.test.ts.)
 */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { STEPS } from '../../steps/kit/manifest.ts';
import { flagsOf } from '../../steps/kit/step.ts';
import { LESSONS } from '../../steps/lesson-kit/lessons.ts';
import { readOptions as readFuzzOptions } from '../fuzz/options.ts';
import { type Command, callsIn, commandsOf, isPlaceholder, stepOfPage } from './commands.ts';
import { CLI, COMMAND_NAMES, dryRun } from './dry-run.ts';
import { allPages, pageOf, ROOT } from './pages.ts';

const pages = allPages();
const commands = pages.flatMap(commandsOf);
const of = (program: string) => commands.filter(({ words }) => words[0] === program);

/** What each of them has wrong. */
async function mistakesIn(
  some: Command[],
  mistakeOf: (args: string[], command: Command) => string | undefined | Promise<string | undefined>,
): Promise<string[]> {
  const wrong: string[] = [];
  for (const command of some) {
    const mistake = await mistakeOf(command.words.slice(1), command);
    if (mistake !== undefined) wrong.push(`${command.where}: ${command.words.join(' ')}: ${mistake}`);
  }
  return wrong;
}

describe('the extractor', () => {
  test('finds what is ours, whatever is quoted, commented, piped or continued', () => {
    const text = [
      'A=1 npx -y tally check 4 --cmd "a b" \\',
      "  --step 'c d' > out && npm ci; time (tally step 1)   # npm test",
      'for i in $(seq 3); do node --import ./x.mjs server.ts --port 0; done | nc -N 127.0.0.1 7878',
      '$ npx --prefix ../tally tally roadmap     npm is not called',
      'node ../tally/dist/src/cli/main.js race 4 5',
      'git diff step-01 step-02; node other.ts; echo tally',
    ].join('\n');
    expect(callsIn(text)).toEqual([
      ['tally', 'check', '4', '--cmd', 'a b', '--step', 'c d'],
      ['npm', 'ci'],
      ['tally', 'step', '1'],
      ['server.ts', '--port', '0'],
      ['tally', 'roadmap'],
      ['tally', 'race', '4', '5'],
    ]);
  });

  test('finds it in blocks, in spans, and by its full name in what is printed', () => {
    const page = pageOf(
      'page.md',
      'Say `tally step 1`.\n```sh\nnpx tally step 2\n```\n```text\nnpx tally step 3\ntally step 0\n```\n```js\nnpx tally step 0\n```\n<!-- `tally step 0` -->',
    );
    expect(commandsOf(page).map(({ where, words }) => [where, words.at(-1)])).toEqual([
      ['page.md:1', '1'],
      ['page.md:3', '2'],
      ['page.md:6', '3'],
    ]);
    expect([of('tally').length > 150, of('npm').length > 80, of('server.ts').length > 40]).toEqual([
      true,
      true,
      true,
    ]);
  });
});

/** Where something is to be filled in, a sample that fits: `N` is a step, `M` the one behind it, `NN` a lesson. */
const SAMPLES: Record<string, string> = {
  N: '9',
  M: '10',
  NN: '11',
  PORT: '9100',
  DIR: './data',
  FILE: './tally.toml',
  '--fail-if …': 'p99<5ms',
};

function filledIn(args: string[]): string[] {
  return args.flatMap((word, at) => {
    if (!isPlaceholder(word)) return [word];
    const isValue = args[at - 1]?.startsWith('--') && !word.startsWith('[');
    return SAMPLES[`${args[at - 1]} ${word}`] ?? SAMPLES[word] ?? (isValue ? './server' : []);
  });
}

/** Of `tally`. Its name alone, and a flag without its value, are talked of. */
async function tallyMistake(args: string[]): Promise<string | undefined> {
  const [name = '', ...rest] = filledIn(args);
  if (name === '' || /^--?(?:help|version|[hv])$/.test(name)) return undefined;
  const [flag] = rest.length === 1 ? rest.filter(word => word.startsWith('--')) : [];
  if (flag !== undefined || args.slice(1).every(isPlaceholder)) {
    const { exitCode, stdout, stderr } = await dryRun([name, '--help']);
    if (exitCode !== 0) return stderr;
    return [undefined, '--help'].includes(flag) || stdout.includes(` ${flag} `)
      ? undefined
      : `its help has no ${flag}`;
  }
  const run = await dryRun([name, ...rest]);
  // What only somebody at a terminal can have has been understood as well; and so have files that are not there.
  const isUnderstood = run.hasBegun || run.exitCode === 0 || /needs a terminal|no such file/.test(run.stderr);
  return isUnderstood ? undefined : `it ended with ${run.exitCode} before it did anything: ${run.stderr}`;
}

describe('tally', () => {
  test.each([
    ['pain 99', 'there is no pain 99'],
    ['lesson 11 --datta x', 'does not take --datta'],
    ['race 11 12', 'a lesson races with itself'],
    ['diff 11 12', 'a lesson differs in itself'],
    ['load --rat 5', '--rat'],
    ['load --rat', 'no --rat'],
    ['serve --ring 1000', 'not a power of two'],
    ['explore lost-updates', 'there is no scenario lost-updates'],
    ['check 4 --connect x', 'not HOST:PORT'],
    ['step 1 --queue 4', 'does not take --queue'],
    ['dance', 'no command dance'],
    ['serve --port PORT --bogus', '--bogus'],
    ['check N --cmdd x', '--cmdd'],
    ['load … --rat N', '--rat'],
  ])('%s is refused', async (words, why) => {
    expect(await tallyMistake(words.split(' '))).toMatch(why);
  });

  test.each([
    'step N [flags]',
    'check N --cmd …',
    'pain 5 --step 6',
    'load --fail-if …',
    'race N M',
    'compare a b',
    'lesson 11 --right --data ./data',
    'pain 11 --all',
    'race 11 11-right',
  ])('%s is right', async words => expect(await tallyMistake(words.split(' '))).toBeUndefined());

  test('takes what the documents give it', async () => {
    const each = new Map(of('tally').map(command => [command.words.join(' '), command]));
    expect(await mistakesIn([...each.values()], tallyMistake)).toEqual([]);
  });

  /** In a help text a line that begins with a command is an example. */
  const examplesIn = (help: string) =>
    [...help.matchAll(/^ {2}((?:npx )?tally .+)$/gm)].flatMap(match => callsIn(match[1]!.split(/ {2,}/)[0]!));
  const wrongIn = async (help: string) => {
    const mistakes = [];
    for (const [, ...args] of examplesIn(help)) mistakes.push(await tallyMistake(args));
    return mistakes.filter(mistake => mistake !== undefined);
  };

  test.each(COMMAND_NAMES)('the examples of tally %s --help are right', async name => {
    const { stdout } = await dryRun([name, '--help']);
    expect(stdout).toMatch(new RegExp(`^tally ${name}\\b`));
    expect(await wrongIn(stdout)).toEqual([]);
  });

  test('so are those of tally --help and tally serve --help', async () => {
    // The command line can't be loaded without being run.
    const texts = [...CLI.matchAll(/_?HELP = `([^`]+)`/g)].map(match => match[1]!);
    expect(texts.flatMap(examplesIn).length).toBeGreaterThan(10);
    for (const text of texts) expect(await wrongIn(text)).toEqual([]);
  });
});

test('a server of a step takes the flags that the documents give it', async () => {
  const mistakeOf = (args: string[], { page }: Command) => {
    const step = stepOfPage(page);
    const taken = (step === undefined ? STEPS : [step]).flatMap(flagsOf);
    const unknown = args.find(arg => arg.startsWith('--') && !taken.includes(arg.split('=')[0]!));
    return unknown && `the step takes no ${unknown}; it takes ${taken.join(', ')}`;
  };
  expect(await mistakesIn(of('server.ts'), mistakeOf)).toEqual([]);
});

describe('npm', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const called = (script: string) =>
    of('npm').filter(({ words: [, run, name, dashes, ...args] }) => {
      return run === 'run' && name === script && dashes === '--' && !args.some(isPlaceholder);
    });

  test('runs only scripts that are there', async () => {
    const mistakeOf = ([verb = '', name]: string[]) => {
      const script = verb === 'run' ? name! : verb;
      if (script === '') return undefined;
      const isKnown = ['ci', 'install', 'pack'].includes(verb) || scripts[script] !== undefined;
      return isKnown || isPlaceholder(script) ? undefined : `package.json has no script ${script}`;
    };
    expect(await mistakesIn(of('npm'), mistakeOf)).toEqual([]);
  });

  test('run fuzz takes what the documents give it', async () => {
    const mistakeOf = ([, , , ...args]: string[]) => void readFuzzOptions(args);
    await expect(mistakesIn(called('fuzz'), mistakeOf)).resolves.toEqual([]);
  });

  test('run long is given tests that are there', () => {
    const files = called('long').flatMap(({ words }) => words.slice(4));
    expect(files.filter(file => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  test('run coverage has the flags that the documents give it', () => {
    const source = readFileSync(join(ROOT, 'test/covering/cli.ts'), 'utf8');
    const flags = called('coverage').flatMap(({ words }) => words.slice(4));
    expect(flags.filter(flag => !source.includes(` ${flag.slice(2)}: {`))).toEqual([]);
  });

  // With --help behind them their readers judge the arguments, and then nothing is run.
  test.each(['bench', 'graphs'])('run %s takes what the documents give it', async script => {
    const [, file = ''] = /node (dist\/bench\/\S+)$/.exec(scripts[script]!)!;
    const judged = (args: string[]) =>
      promisify(execFile)(process.execPath, [file, ...args, '--help'], { cwd: ROOT });
    await expect(judged(['--no-such-flag'])).rejects.toMatchObject({ code: expect.any(Number) });
    // Names go together, so that they are one process; each way to give flags is one more.
    const ways = called(script).map(({ words }) => words.slice(4));
    const isFlagged = (args: string[]) => args.some(arg => arg.startsWith('-'));
    const all = [ways.filter(one => !isFlagged(one)).flat(), ...ways.filter(isFlagged)];
    await Promise.all([...new Map(all.map(args => [args.join(' '), args])).values()].map(judged));
  });
});

test('tags are named as `tally tags` cuts them', () => {
  const named = pages.flatMap(({ path, text }) =>
    (text.match(/\bstep-\d+\b/g) ?? []).map(tag => `${path}: ${tag}`),
  );
  const lessons = LESSONS.map(({ number }) => `step-${number}`);
  const isCut = (tag: string) => / step-(?:0\d|10)$/.test(tag) || lessons.includes(tag.split(' ').at(-1)!);
  expect(named.filter(tag => !isCut(tag))).toEqual([]);
});

test('bash understands every block', () => {
  const blocks = pages.flatMap(({ path, blocks }) =>
    blocks
      .filter(({ language }) => language === 'sh')
      .map(({ text, line }) => ({ where: `${path}:${line}`, text })),
  );
  expect(blocks.length).toBeGreaterThan(50);
  // One process for all: each is read, and none is run.
  const script = blocks.map(({ text, where }) => `bash -n <<'__END__' || echo ${where}\n${text}\n__END__\n`);
  const { stdout, stderr } = spawnSync('bash', ['-c', script.join('')], { encoding: 'utf8' });
  expect(stdout + stderr).toBe('');
});

/**
 * Every program that the documents call: how its arguments are judged without running it, and, where the long run
 * (test/long/documents.test.ts) leaves it out, why. A program that is not here fails the test, which says what to do.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { STEPS } from '../../steps/kit/manifest.ts';
import { flagsOf } from '../../steps/kit/step.ts';
import { type Page, ROOT } from './pages.ts';
import { addressesIn, placeMistake } from './places.ts';

export interface Program {
  /** What is wrong with these arguments, if anything. Those of `tally` are judged by its own readers, elsewhere. */
  mistake?: (args: string[], page: Page) => string | undefined;
  /** Why the long run does not run it. */
  left?: string;
  /** Also an English word: a span that begins with it is a command only with a flag or a path. */
  isWord?: true;
}

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

const SYSTEM = 'changes the machine, or takes rights that a test has not';
export const OTHERS = "speaks of the reader's own machine or project";
const TRACES = 'follows a process until it is stopped, with rights that a test need not have';
const KNOWN: Program = {};
/** Files that the reader writes. */
const READERS_OWN = /(?:^|\/)(?:my-)?server(?:\.\w+)?$/;
/** How pages name this repository from the folder of a server of the reader's own. */
const FROM_ELSEWHERE = /^\.\.\/tally\//;

export const PROGRAMS: Record<string, Program> = {
  tally: KNOWN,
  npx: { mistake: npx },
  npm: { mistake: npm },
  node: { mistake: node },
  'server.ts': { mistake: args => flagMistake(args), left: 'names a flag of the step' },
  nc: { mistake: netcat },
  ncat: { mistake: netcat },
  telnet: { mistake: netcat, left: 'wants somebody to type' },
  socat: KNOWN,
  curl: { mistake: curl },
  git: { mistake: git },
  rustc: { mistake: rustc },
  cargo: { left: 'compiles, and is run by test/docs/rust-map.test.ts where it is there' },
  sh: { left: 'runs what the command before it wrote' },
  alias: KNOWN,
  python: { left: OTHERS },
  python3: { left: OTHERS },
  '.ci/run': { left: 'runs this, and all else' },
  // What a shell has, and what every system has beside it.
  ...namesOf(['printf', 'echo', 'yes', 'seq', 'cat', 'grep', 'tr', 'uniq', 'paste', 'awk', 'od', 'wc'], {}),
  ...namesOf(
    ['sort', 'head', 'tail', 'cut', 'sleep', 'exec', 'wait', 'cd', 'mkdir', 'test', 'ls', 'ps', 'ss'],
    {
      isWord: true,
    },
  ),
  ...namesOf(['strace', 'perf'], { left: TRACES }),
  ...namesOf(['sudo', 'systemctl', 'journalctl', 'apt-get', 'chrt', 'ulimit', 'taskset'], { left: SYSTEM }),
  kill: { left: SYSTEM, isWord: true },
  ...namesOf(['docker', 'kubectl', 'ssh', 'gh', 'promtool', 'rustup'], { left: OTHERS }),
};

function namesOf(names: string[], program: Program): Record<string, Program> {
  return Object.fromEntries(names.map(name => [name, program]));
}

/** `N`, `PORT`, `…`, `[flags]`: the reader's to fill in. */
export function isPlaceholder(word: string): boolean {
  return /^(?:\[.*|[A-Z][A-Z_]*)$/.test(word) || word.includes('…');
}

function npx(args: string[], page: Page): string | undefined {
  const at = args.indexOf('--prefix');
  if (at !== -1) return npx(args.toSpliced(at, 2), page);
  const [name = '', ...rest] = args.filter(arg => arg !== '-y');
  if (name === 'tally') return undefined;
  if (/^node@\d+$/.test(name)) return node(rest, page);
  if (name === 'tsx') return fileMistake(rest[0], page);
  return existsSync(join(ROOT, 'node_modules/.bin', name)) ? undefined : `npx finds no ${name}`;
}

function npm(args: string[]): string | undefined {
  const [verb = '', ...rest] = args;
  if (['ci', 'install', 'pack'].includes(verb)) return undefined;
  const script = verb === 'run' || verb === 'run-script' ? rest[0] : verb;
  if (script === undefined || isPlaceholder(script) || scripts[script] !== undefined) return undefined;
  return `package.json has no script ${script}; it has ${Object.keys(scripts).join(', ')}`;
}

/** A file, here or beside the page, or one that the page prints; with the flags of a step, if it is one's server. */
function node(args: string[], page: Page): string | undefined {
  const at = args.findIndex((arg, index) => !arg.startsWith('-') && args[index - 1] !== '--import');
  const imported = args[args.indexOf('--import') + 1];
  if (args.includes('--import') && imported !== 'tsx') {
    const mistake = fileMistake(imported, page);
    if (mistake !== undefined) return mistake;
  }
  const file = args[at];
  // `node --flag`: a flag is talked of.
  if (file === undefined) return undefined;
  return (
    fileMistake(file, page) ?? (file === 'server.ts' ? flagMistake(args.slice(at + 1), page) : undefined)
  );
}

function fileMistake(file: string | undefined, page: Page): string | undefined {
  const { path, blocks, text } = page;
  if (file === undefined) return 'it wants a file';
  if (isPlaceholder(file)) return undefined;
  if (FROM_ELSEWHERE.test(file)) return fileMistake(file.replace(FROM_ELSEWHERE, ''), page);
  if (READERS_OWN.test(file) && stepOfPage(page) === undefined) return undefined;
  if ([dirname(path), '.'].some(folder => existsSync(join(ROOT, folder, file)))) return undefined;
  const language = /\.(\w+)$/.exec(file)?.[1]?.replace(/^mjs$/, 'js').replace(/^rs$/, 'rust');
  const isPrinted = blocks.some(block => block.language === language) && text.includes(file);
  return isPrinted ? undefined : `there is no ${file}, and no block of the page to make it from`;
}

/** What `tally` is called with: by its name, with `npx`, or as the file that it is. */
export function tallyArgs(words: string[]): string[] | undefined {
  if (words[0] === 'tally') return words.slice(1);
  const at =
    words[0] === 'npx' ? words.indexOf('tally') : words.findIndex(word => /src\/cli\.[jt]s$/.test(word));
  return at === -1 || !['npx', 'node'].includes(words[0]!) ? undefined : words.slice(at + 1);
}

/** The step whose chapter a page is. */
export function stepOfPage({ path }: Page): (typeof STEPS)[number] | undefined {
  return STEPS.find(({ folder }) => path.startsWith(`steps/${folder}/`));
}

function flagMistake(args: string[], page?: Page): string | undefined {
  const step = page && stepOfPage(page);
  const taken = step === undefined ? STEPS.flatMap(flagsOf) : flagsOf(step);
  const unknown = args.find(arg => arg.startsWith('--') && !taken.includes(arg.split('=')[0]!));
  return unknown && `the step takes no ${unknown}; it takes ${taken.join(', ')}`;
}

function netcat(args: string[]): string | undefined {
  const words = args.filter(arg => !arg.startsWith('-'));
  if (words.length === 0) return undefined;
  const [host, port] = words;
  const isRight = words.length === 2 && host === '127.0.0.1' && /^\d+$|^[A-Z]+$/.test(port!);
  return isRight ? undefined : `a host and a port are wanted, as 127.0.0.1 7878; not ${words.join(' ')}`;
}

/** Of the live server's addresses only those that it has. */
function curl(args: string[]): string | undefined {
  return args.flatMap(addressesIn).map(placeMistake).find(Boolean);
}

/** Of the tags only those that `tally tags` cuts; of the commands only those that git has. */
function git(args: string[]): string | undefined {
  const [verb = '', ...rest] = args;
  if (
    !['clone', 'diff', 'worktree', 'tag', 'checkout', 'switch', 'log', 'show', 'add', 'commit'].includes(verb)
  )
    return `git ${verb} is not known here; if it is right, add it to test/docs/programs.ts`;
  const tags = rest.filter(arg => /^step-/.test(arg));
  const wrong = tags.find(tag => !/^step-(?:0\d|10)$/.test(tag));
  return wrong && `tally tags cuts no ${wrong}`;
}

function rustc(args: string[], page: Page): string | undefined {
  const file = args.find(arg => arg.endsWith('.rs'));
  // `rustc -O`: a flag is talked of.
  return file && fileMistake(file, page);
}

/**
 * How the long run runs a command of a page: as it stands; shortened or pointed elsewhere, and then it says how; until
 * Ctrl+C, if it would go on for ever; or not at all, and then it says why.
 */
import type { Command } from './commands.ts';
import { isPlaceholder, OTHERS, PROGRAMS, stepOfPage, tallyArgs } from './programs.ts';
import { PORT, startedBy } from './reader.ts';
import { type Call, callsIn } from './shell.ts';

export type Plan = { left: string } | Run;

export interface Run {
  script: string;
  /** What is not as the page has it. */
  changes: string[];
  limitMs: number;
  exitCodes: number[];
  /** It serves or waits until somebody presses Ctrl+C. */
  isEndless: boolean;
  /** It goes on for ever from when it has printed this. */
  until?: RegExp;
}

const LIMIT_MS = 180_000;
/** Long enough to see that it goes on. */
const ENDLESS_MS = 1_000;
const MATRIX_MS = 600_000;
/** This Node runs TypeScript as it is. */
const STRIPS_TYPES = Boolean((process.features as { typescript?: unknown }).typescript);

/** Scripts that are not run, and why. */
const LEFT_SCRIPTS: Record<string, string> = {
  ci: 'fetches all packages anew; .ci/run does it',
  install: 'fetches all packages anew; .ci/run does it',
  test: 'is the suite, which .ci/run runs',
  coverage: 'is the suite once more',
  long: 'is what runs this',
};

/** What a page changes of a text before it is run. Each has its words for the log. */
const CHANGES: { when: RegExp; from: RegExp; to: string; what: string }[] = [
  { when: /\bload\b/, from: /--duration \S+/, to: '--duration 1s', what: 'for 1 s' },
  { when: /\bload\b/, from: /\b\d+s:(?=\d)/g, to: '1s:', what: 'stages of 1 s' },
  {
    when: /\bload(?! --help)(?!.*--(?:duration|stages|events))/,
    from: /\bload\b/,
    to: 'load --duration 1s',
    what: 'for 1 s',
  },
  {
    when: /\bcompare \S+\.json \S+\.json$/,
    from: /npx tally compare (\S+) (\S+)/,
    to: 'for run in $1 $2; do npx tally load --duration 1s --json $run; done; $&',
    what: 'after two runs to compare',
  },
  // Not those of a step or of a group that is small.
  {
    when: /\bexplore \w/,
    from: /\bexplore (?!lost-update)/,
    to: 'explore --runs-max 2000 ',
    what: 'at most 2,000 runs',
  },
  {
    when: /npm run bench --/,
    from: /npm run bench -- (?!--list|--help)/,
    to: 'npm run --ignore-scripts bench -- --small ',
    what: 'small, without building',
  },
  {
    when: /npm run (?:document|graphs)/,
    from: /npm run/,
    to: 'npm run --ignore-scripts',
    what: 'without building',
  },
  {
    when: /run graphs|ignore-scripts graphs/,
    from: /graphs(?: --)?(?!.* --(?:list|check|redraw|help))/,
    to: 'graphs -- --redraw',
    what: 'drawn only',
  },
  {
    when: /graphs -- --redraw --folder/,
    from: /npm run .* --folder (\S+)$/,
    to: 'cp -r docs/graphs $1 && $&',
    what: 'from the data that are there',
  },
  { when: /npm run fuzz$/, from: /$/, to: ' -- --lines 20000', what: '20,000 lines' },
  { when: /npm run fuzz/, from: /--lines \d+/, to: '--lines 20000', what: '20,000 lines' },
  { when: /npm run fuzz/, from: /--batches \d+/, to: '--batches 20', what: '20 batches' },
  { when: /npm run fuzz/, from: / --keep/, to: '', what: 'not kept' },
  { when: /npm run fuzz -- cuts$/, from: /$/, to: ' --batches 20', what: '20 batches' },
];

const STARTS_A_LINE = /^(?:npx |tally |npm |node |git |strace )/;

/** A block that is a list of commands is one command a line; what belongs together is one. */
export function partsOf(command: Command): Command[] {
  const lines = command.text.trimEnd().split('\n');
  if (lines.length < 2 || !lines.every(line => STARTS_A_LINE.test(line) && !/[\\&|]$/.test(line)))
    return [command];
  return lines.map((line, at) => {
    const text = line.replace(/ {2,}#.*$/, '');
    return { ...command, line: command.line + at, text, calls: callsIn(text), answers: [] };
  });
}

export function planOf(command: Command): Plan {
  const { calls, page } = command;
  const why = calls.map(call => whyLeft(call)).find(reason => reason !== undefined);
  if (why !== undefined) return { left: why };
  const changes: string[] = [];
  let script = command.text.trimEnd();
  const change = (from: RegExp, to: string, what: string) => {
    const changed = script.replace(from, to);
    if (changed !== script && !changes.includes(what)) changes.push(what);
    script = changed;
  };
  // `tally` alone is short for `npx tally`, and `server` stands for one of the reader's own.
  change(/(?<=^|\n|;\s*)tally (?=\w)/g, 'npx tally ', 'with npx');
  const number = /\b(?:check|pain) (\d+)/.exec(script)?.[1] ?? '';
  if (!/--cmd \.\/(?!server)/.test(script) || stepOfPage(page) === undefined)
    change(
      /(?<=\b(?:check|pain) \d+ .*?)--cmd (?:'[^']*'|"[^"]*"|\S+)/g,
      `--step ${number}`,
      'a step of this repository for the server of the reader',
    );
  script = script
    .split('\n')
    .map(line => changedLine(line, changes))
    .join('\n');
  if (!STRIPS_TYPES && stepOfPage(page) !== undefined)
    change(
      /\bnode (?=.*\b(?:server\.ts|\w+\.mjs))/g,
      'node --import ../kit/register.mjs ',
      'types stripped by tsx',
    );
  const isServer = startedBy(command) !== undefined || /src\/cli\.[jt]s serve\b/.test(script);
  if (isServer) {
    change(/ --port \d+/, '', 'on a free port');
    change(/$/, script === 'npm start' ? ' -- --port 0' : ' --port 0', 'on a free port');
  }
  const isEndless = isServer || /--watch|^nc 127/m.test(script);
  return {
    script,
    changes,
    limitMs: limitOf(script),
    ...(isEndless && !script.startsWith('nc ') && { until: /listening|Waiting for a change/ }),
    exitCodes: exitCodesOf(script, isEndless),
    isEndless,
  };
}

function changedLine(line: string, changes: string[]): string {
  return CHANGES.reduce((text, { when, from, to, what }) => {
    const changed = when.test(text) ? text.replace(from, to) : text;
    if (changed !== text && !changes.includes(what)) changes.push(what);
    return changed;
  }, line);
}

function whyLeft({ words }: Call): string | undefined {
  const [program = '', ...args] = words;
  const name = program.split('/').at(-1)!;
  if (args.some(arg => isPlaceholder(arg) && !/^(?:PID|\$)/.test(arg)))
    return 'the reader fills something in';
  const left = PROGRAMS[program]?.left ?? (/^\.\/(?:my-)?server$/.test(program) ? OTHERS : undefined);
  if (left !== undefined) return left;
  const own = tallyArgs(words);
  if (own !== undefined) {
    const isTalkedOf =
      own.length === 0 || (own.length === 1 && !/^(?:steps|tags|explore|serve)$|^-/.test(own[0]!));
    if (own[0] === 'load' && own.length === 1) return undefined;
    // A flag without its value.
    if (isTalkedOf || (own.length === 2 && own[1] === '--rate')) return 'is talked of, not called';
    if (own[0] === 'explore' && own.includes('--step')) return 'wants somebody to press keys';
    return own[0] === 'watch' ? 'is a picture that moves, for a terminal' : undefined;
  }
  if (program === 'npx' && /^node@/.test(args.find(arg => !arg.startsWith('-'))!))
    return 'fetches another Node';
  if (words.join(' ') === 'npm run bench') return 'takes hours; run small where docs/benchmarking.md says so';
  if (name === 'npm') return LEFT_SCRIPTS[args[0] === 'run' ? args[1]! : args[0]!];
  const hasFile = args.some(arg => /\.[cm]?[jt]s$/.test(arg));
  const isMention =
    (program === 'node' && !hasFile) ||
    (program === 'nc' && args.length === 1) ||
    (program === 'git' && args.join(' ') === 'worktree add') ||
    (program === 'od' && args.length === 1);
  if (isMention) return 'is talked of, not called';
  return /server(?:\.\w+)?$/.test(args.at(-1) ?? '') && program === 'node' && args.at(-1) !== 'server.ts'
    ? OTHERS
    : undefined;
}

function limitOf(script: string): number {
  if (/--all/.test(script)) return MATRIX_MS;
  return script.startsWith('nc ') ? ENDLESS_MS : LIMIT_MS;
}

/** What the pages say of exit codes, where it is not 0. */
function exitCodesOf(script: string, isEndless: boolean): number[] {
  if (isEndless) return [0, 1, 130];
  // Money that a step loses; the pain of somebody's own server; a Node without a disassembler.
  if (script.includes('--check-balances')) return [0, 3];
  if (/--cmd|--connect /.test(script) || /--print-opt-code/.test(script)) return [0, 1];
  // The reader's own server, stood in for by its step: the pain is there.
  return [0];
}

/** Whether what it does depends on which server the page has started. */
export function isOfServer({ script }: Run): boolean {
  return new RegExp(`\\b${PORT}\\b|\\bPID\\b|tally load|\\bcurl\\b`).test(script);
}

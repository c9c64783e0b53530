/**
 * The commands of the documents that call something of this repository: in `sh` blocks, in code spans, and in what is
 * printed, where it calls Tally by its full name.
 */
import { STEPS } from '../../steps/kit/manifest.ts';
import type { Page } from './pages.ts';

export interface Command {
  /** `docs/load.md:31` */
  where: string;
  page: Page;
  /** Begins with `tally`, `npm` or `server.ts`, however the page calls these. */
  words: string[];
}

export function commandsOf(page: Page): Command[] {
  const texts = [
    ...page.spans,
    ...page.blocks.filter(({ language }) => language === 'sh'),
    ...page.blocks
      .filter(({ language }) => language === '' || language === 'text')
      .flatMap(({ text, line }) => text.split('\n').map((row, at) => ({ text: row, line: line + at })))
      .filter(({ text }) => /^(?:\$ )?npx tally \S/.test(text)),
  ];
  return texts.flatMap(({ text, line }) =>
    callsIn(text).map(words => ({ where: `${page.path}:${line}`, page, words })),
  );
}

/** A word with its quotes, or what separates two commands. What is behind some spaces says what the command is for. */
const TOKEN = /(?:'[^']*'|"(?:\\.|[^"\\])*"|\\[^\n]|[^\s'"|&;()<>\\])+|[|&;()<>]+|\n| {3,}.*/g;

/** The words of each call of something of ours, without their quotes. */
export function callsIn(text: string): string[][] {
  const calls: string[][] = [[]];
  for (const [token] of text.replace(/\s*\\\n\s*/g, ' ').matchAll(TOKEN)) {
    if (/^(?:[|&;()<>]+|\n| .*)$/.test(token)) calls.push([]);
    else calls.at(-1)!.push(token.replace(/'([^']*)'|"([^"]*)"/g, '$1$2'));
  }
  return calls.map(ownCall).filter(call => call !== undefined);
}

function ownCall(words: string[]): string[] | undefined {
  const first = words.findIndex(word => !/^(?:\$|do|time|[A-Z]+=.*)$/.test(word));
  const [program, ...args] = words.slice(first === -1 ? words.length : first);
  if (program === 'tally' || program === 'npm' || program === 'server.ts') return [program, ...args];
  if (program !== 'npx' && program !== 'node') return undefined;
  // Behind what else npx and node are given.
  const own = args.findIndex(arg => /^(?:tally|server\.ts|(?:.*\/)?src\/cli\/main\.[jt]s)$/.test(arg));
  if (own === -1) return undefined;
  return [args[own] === 'server.ts' ? 'server.ts' : 'tally', ...args.slice(own + 1)];
}

/** `N`, `PORT`, `…`, `[flags]`: the reader's to fill in. */
export const isPlaceholder = (word: string) => /^(?:\[.*|[A-Z][A-Z_]*)$|…/.test(word);

/** The step whose chapter a page is. */
export function stepOfPage({ path }: Page): (typeof STEPS)[number] | undefined {
  return STEPS.find(({ folder }) => path.startsWith(`steps/${folder}/`));
}

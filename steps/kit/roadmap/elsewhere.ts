/**
 * The tasks, made fit for somebody else's repository: `npx tally` works in Tally's checkout only, links that lead
 * into it lead nowhere, and the server is started in another way.
 */
import { basename, posix, relative } from 'node:path';
import { quoteForShell, quoteForShellIfNeeded } from '../../../src/cli/terminal/quoting.ts';
import { ROOT } from '../../../src/tools/harness/root.ts';
import { STEPS } from '../manifest.ts';
import { ROADMAP_FOLDER } from './task.ts';

export interface Place {
  /** How Tally is called. */
  tally: string;
  /** How the reader's server is started. */
  cmd?: string | undefined;
  /** Where Tally's files can be read in a browser. */
  base?: string | undefined;
  /** The way to Tally's checkout, in case there is no such address. */
  checkout: string;
  /** Whether the other tasks lie beside this one. */
  hasSiblings: boolean;
}

/** How the tasks themselves call Tally, and start the reader's server. */
export const CALL = 'npx tally';
export const SERVER = './server';

const WORDS = new RegExp(`--cmd '${SERVER}'|\`${SERVER}\`|${CALL}`.replaceAll('.', '\\.'), 'g');
/** A link, or one of these. In one pass: what was put in is the reader's, and is not looked at again. */
const LINK_OR_WORDS = new RegExp(`\\[([^\\]]+)\\]\\(([^)\\s]+)\\)|${WORDS.source}`, 'g');

/** The way from a folder to Tally's own. */
export function checkoutFrom(folder: string): string {
  return relative(folder, ROOT).replaceAll('\\', '/') || '.';
}

/** The same, as if the folder lay beside it. */
export function checkoutBeside(): string {
  return `../${basename(ROOT)}`;
}

export function isInside(folder: string): boolean {
  return `${folder}/`.startsWith(ROOT);
}

/** Node itself, and no `npx`: that asks the registry for somebody else's package, where it does not find this one. */
export function callFrom(checkout: string): string {
  return `node ${quoteForShellIfNeeded(`${checkout}/dist/src/cli/main.js`)}`;
}

export function placed(markdown: string, place: Place): string {
  return markdown.replace(LINK_OR_WORDS, (whole, text: string | undefined, target: string) =>
    text === undefined
      ? wordsOf(whole, place)
      : linkOf(
          text.replace(WORDS, each => wordsOf(each, place)),
          target,
          place,
        ),
  );
}

function wordsOf(words: string, { tally, cmd }: Place): string {
  if (words === CALL) return tally;
  return words.startsWith('--cmd') ? `--cmd ${quoteForShell(cmd ?? SERVER)}` : `\`${cmd ?? SERVER}\``;
}

function linkOf(text: string, target: string, place: Place): string {
  const whole = `[${text}](${target})`;
  if (/^[a-z]+:/.test(target)) return whole;
  const [file, anchor] = target.split('#') as [string, string | undefined];
  const path = posix.join(ROADMAP_FOLDER, file);
  // The folder's own first page is another one, and has none of these headings.
  if (place.hasSiblings && !file.includes('/') && anchor === undefined) return whole;
  if (place.base !== undefined)
    return `[${text}](${place.base}/${path}${anchor === undefined ? '' : `#${anchor}`})`;
  const task = /^(\d\d)-[^/]*\.md$/.exec(file)?.[1];
  if (task !== undefined)
    return `${text} (\`${place.tally} roadmap ${Number(task) > STEPS.length ? 'src' : Number(task)}\`)`;
  const reader = /\.\w+$/.test(path) ? 'less' : 'ls';
  return `${text} (\`${reader} ${quoteForShellIfNeeded(posix.join(place.checkout, path))}\`)`;
}

/**
 * Adapts the tasks to the reader's repository, where `npx tally` does not work, links into Tally's checkout are
 * broken, and the server is started in another way.
 */
import { basename, posix, relative } from 'node:path';
import { quoteForShell, quoteForShellIfNeeded } from '../../../src/cli/terminal/quoting.ts';
import { ROOT } from '../../../src/tools/harness/root.ts';
import { ROADMAP_FOLDER, subjectOf } from './task.ts';

export interface Place {
  /** The command that runs Tally. */
  tally: string;
  /** The command that starts the reader's server. */
  cmd?: string | undefined;
  /** The address at which Tally's files can be read in a browser. */
  base?: string | undefined;
  /** The path to Tally's checkout, if there is no such address. */
  checkout: string;
  /** Whether the other tasks are in the same folder. */
  hasSiblings: boolean;
}

/** How the tasks themselves call Tally, and start the reader's server. */
export const CALL = 'npx tally';
export const SERVER = './server';

const WORDS = new RegExp(`--cmd '${SERVER}'|\`${SERVER}\`|${CALL}`.replaceAll('.', '\\.'), 'g');
/** A link, or one of the commands. Replaced in one pass, so that the reader's own text is not replaced again. */
const LINK_OR_WORDS = new RegExp(`\\[([^\\]]+)\\]\\(([^)\\s]+)\\)|${WORDS.source}`, 'g');

/** The path from a folder to Tally's checkout. */
export function checkoutFrom(folder: string): string {
  return relative(folder, ROOT).replaceAll('\\', '/') || '.';
}

/** The same for a folder beside the checkout. */
export function checkoutBeside(): string {
  return `../${basename(ROOT)}`;
}

export function isInside(folder: string): boolean {
  return `${folder}/`.startsWith(ROOT);
}

/** Node, not `npx`, which would fetch an unrelated package from the registry if it does not find this one. */
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
  // The contents page of the folder is a different file, without these headings.
  if (place.hasSiblings && !file.includes('/') && anchor === undefined) return whole;
  if (place.base !== undefined)
    return `[${text}](${place.base}/${path}${anchor === undefined ? '' : `#${anchor}`})`;
  const task = subjectOf(file);
  if (task !== undefined) return `${text} (\`${place.tally} roadmap ${task}\`)`;
  const reader = /\.\w+$/.test(path) ? 'less' : 'ls';
  return `${text} (\`${reader} ${quoteForShellIfNeeded(posix.join(place.checkout, path))}\`)`;
}

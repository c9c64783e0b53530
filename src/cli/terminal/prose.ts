/**
 * Lists in a sentence, and lines of Markdown. In the files these end where an editor is full; an issue would show each
 * end, and a terminal has a width of its own. So paragraphs are joined to one line, and cut anew where that is wanted.
 */
import { columnsOn } from './terminal.ts';

const COLUMNS_MAX = 100;
const ALONE = /^(?:#|<|\||```)/;
const UNCUT = '\u00a0';
const ITEM = /^ *(?:[-*]|\d+\.) /;

/** Each paragraph and each item of a list in one line; code and tables as they are. */
export function joined(markdown: string): string {
  const lines: string[] = [];
  let isCode = false;
  let isOpen = false;
  for (const line of markdown.split('\n')) {
    const isFence = line.trimStart().startsWith('```');
    const isProse = !isCode && !isFence && line.trim() !== '' && !ALONE.test(line);
    if (isProse && isOpen && !ITEM.test(line)) lines.push(`${lines.pop()} ${line.trim()}`);
    else lines.push(line);
    isOpen = isProse;
    if (isFence) isCode = !isCode;
  }
  return lines.join('\n');
}

/** As `joined`, in lines of so many characters; those of a list go on under its text. Words are never cut. */
export function wrappedMarkdown(markdown: string, columns: number): string {
  let isCode = false;
  return joined(markdown)
    .split('\n')
    .flatMap(line => {
      if (line.trimStart().startsWith('```')) isCode = !isCode;
      return isCode || ALONE.test(line) ? [line] : cut(line, columns);
    })
    .join('\n');
}

/** As wide as who reads it there can read it well. */
export function readableColumns(out: NodeJS.WriteStream): number {
  return Math.min(columnsOn(out, COLUMNS_MAX), COLUMNS_MAX);
}

function cut(line: string, columns: number): string[] {
  const indent = ' '.repeat((/^ *(?:[-*] (?:\[ \] )?|\d+\. )?/.exec(line)?.[0] ?? '').length);
  // A command stays in one line, to be copied.
  const kept = line.replace(/`[^`]+`/g, code => code.replaceAll(' ', UNCUT));
  return cutLine(kept, columns, indent).map(text => text.replaceAll(UNCUT, ' '));
}

/** Between words, into lines of so many characters; all but the first begin with the indentation. */
export function cutLine(line: string, columns: number, indent: string): string[] {
  const lines: string[] = [];
  let rest = line;
  while (rest.length > columns) {
    const own = indentOf(rest);
    const before = rest.lastIndexOf(' ', columns);
    const at = before > own ? before : rest.indexOf(' ', Math.max(columns, own));
    if (at < 0) break;
    lines.push(rest.slice(0, at));
    rest = indent + rest.slice(at + 1);
  }
  return [...lines, rest];
}

export function indentOf(line: string): number {
  return /^ */.exec(line)![0].length;
}

/** `a, b and c`. */
export function listed(words: readonly string[], last = 'and'): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;
}

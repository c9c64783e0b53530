/**
 * Lists in a sentence, and wrapping of Markdown. The files are wrapped for an editor; an issue would show these line
 * breaks, and terminals have other widths. So paragraphs are joined to one line, and wrapped again if needed.
 */
import { columnsOn } from './terminal.ts';

const COLUMNS_MAX = 100;
const ALONE = /^(?:#|<|\||```)/;
const UNCUT = '\u00a0';
const ITEM = /^ *(?:[-*]|\d+\.) /;

/** Joins each paragraph and each list item to one line; code and tables stay unchanged. */
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

/** As `joined`, then wrapped to `columns` characters; list items are indented. Words are never cut. */
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

/** A width that can be read well on this terminal. */
export function readableColumns(out: NodeJS.WriteStream): number {
  return Math.min(columnsOn(out, COLUMNS_MAX), COLUMNS_MAX);
}

function cut(line: string, columns: number): string[] {
  const indent = ' '.repeat((/^ *(?:[-*] (?:\[ \] )?|\d+\. )?/.exec(line)?.[0] ?? '').length);
  // A command stays on one line, so that it can be copied.
  const kept = line.replace(/`[^`]+`/g, code => code.replaceAll(' ', UNCUT));
  return cutLine(kept, columns, indent).map(text => text.replaceAll(UNCUT, ' '));
}

/** Wraps between words, to `columns` characters; all lines but the first are indented. */
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

/**
 * Lists in a sentence, wrapping of lines and of Markdown. The files are wrapped for an editor; an issue would show these
 * line breaks, and terminals have other widths. So paragraphs are joined to one line, and wrapped again if needed.
 */
import { printable } from './ascii.ts';
import { columnsOf, withoutStyles } from './drawing.ts';
import { columnsOn, isTerminal } from './terminal.ts';

const COLUMNS_MAX = 100;
/** A column of text is no narrower; below that, the text goes on at the indent. */
const TEXT_COLUMNS_MIN = 30;
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
  const kept = printable(line).replace(/`[^`]+`/g, code => code.replaceAll(' ', UNCUT));
  return cutLine(kept, columns, indent).map(text => text.replaceAll(UNCUT, ' '));
}

/** Lines that are too long for this terminal are wrapped between words. Elsewhere the text stays as it is. */
export function foldedFor(out: NodeJS.WriteStream, text: string): string {
  return isTerminal(out) ? folded(text, columnsOn(out)) : text;
}

/** Each line that is too long goes on below its last column (after two blanks or more), or a little further right. */
export function folded(text: string, columns: number): string {
  return text
    .split('\n')
    .flatMap(line => cutLine(printable(line), columns, hangingIndent(withoutStyles(line), columns)))
    .join('\n');
}

export function hangingIndent(line: string, columns: number): string {
  const [indent, column] = [indentOf(line), columnOf(line)];
  const hasColumn = column > indent && column + TEXT_COLUMNS_MIN <= columns;
  return ' '.repeat(hasColumn ? column : indent && indent + 4);
}

/** Wraps between words, to `columns` columns; all lines but the first are indented. Colours take no columns. */
export function cutLine(line: string, columns: number, indent: string): string[] {
  const lines: string[] = [];
  const [first = '', ...words] = line.split(' ');
  let current = first;
  for (const word of words) {
    const longer = `${current} ${word}`;
    if (word === '' || current.trim() === '' || columnsOf(longer) <= columns) current = longer;
    else {
      lines.push(current.trimEnd());
      current = indent + word;
    }
  }
  return [...lines, current];
}

/** The column in which the text of a line continues: after its last gap, or at its start. */
export function columnOf(line: string): number {
  return /^.* {2,}(?=\S)|^/.exec(line)![0].length;
}

export function indentOf(line: string): number {
  return /^ */.exec(line)![0].length;
}

/** `a, b and c`. */
export function listed(words: readonly string[], last = 'and'): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;
}

/** Help texts. They are written for 120 columns, and wrapped for narrower terminals. */

import { printable } from './ascii.ts';
import { columnOf, cutLine, hangingIndent, indentOf } from './prose.ts';
import { columnsOn, isTerminal } from './terminal.ts';

const COLUMNS_MAX = 120;
/** On terminals narrower than this, two columns become one. */
const COLUMNS_MIN = 60;

export function printHelp(text: string, out: NodeJS.WriteStream = process.stdout): void {
  out.write(isTerminal(out) ? helpFor(text, Math.max(COLUMNS_MIN, columnsOn(out, COLUMNS_MAX))) : text);
}

/** Paragraphs are wrapped; text after two blanks or more is a column, and is wrapped within it. */
export function helpFor(text: string, columns: number): string {
  if (text.split('\n').every(line => line.length <= columns)) return text;
  return joinedLines(text)
    .flatMap(line => cutLine(printable(line), columns, hangingIndent(line, columns)))
    .join('\n');
}

function joinedLines(text: string): string[] {
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    const before = lines.at(-1) ?? '';
    if (goesOn(before, line)) lines.push(`${lines.pop()} ${line.trim()}`);
    else lines.push(line);
  }
  return lines;
}

/** Whether a line continues a paragraph, or a column with nothing beside it. */
function goesOn(before: string, line: string): boolean {
  if (before === '' || line === '' || /^Exit codes/.test(line)) return false;
  const isInColumn = columnOf(before) > indentOf(before) && indentOf(line) === columnOf(before);
  return isInColumn || (indentOf(before) === 0 && indentOf(line) === 0);
}

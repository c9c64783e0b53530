/**
 * The documents as data: every Markdown page with its fenced blocks, its code spans, and its text without either. What
 * is tested of the documents is taken from here, so that a page that is written tomorrow is tested too.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Block {
  language: string;
  text: string;
  /** Of its first line of text, from 1. */
  line: number;
  /** The ```text block right below: what the commands print. And one below that, behind words that begin with "or". */
  answers: string[];
}

export interface Span {
  text: string;
  line: number;
}

export interface Page {
  path: string;
  text: string;
  blocks: Block[];
  /** Code spans of the prose and of the cells of tables, and `<code>` in HTML. */
  spans: Span[];
  /** The text with as many lines, but without blocks, spans and comments. */
  prose: string;
}

const FOREIGN = ['node_modules', 'dist', 'target', '.git'];

export function pagesUnder(folder: string): Page[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return FOREIGN.includes(entry.name) ? [] : pagesUnder(path);
    return entry.name.endsWith('.md') ? [pageOf(path, readFileSync(join(ROOT, path), 'utf8'))] : [];
  });
}

export function pageOf(path: string, text: string): Page {
  const { blocks, rest } = withoutBlocks(text);
  const { spans, rest: prose } = withoutSpans(rest);
  return { path, text, blocks, spans, prose };
}

/** A fence may be indented, as in a list, and may stand in a quotation; then its lines are as well. */
function withoutBlocks(text: string): { blocks: Block[]; rest: string } {
  const blocks: Block[] = [];
  const rest: string[] = [];
  const lines = text.split('\n');
  let below: Block | undefined;
  let isOr = false;
  for (let at = 0; at < lines.length; at += 1) {
    const opening = /^([ >]*)(`{3,}|~{3,})\s*([\w-]*)[^`]*$/.exec(lines[at]!);
    if (opening === null) {
      const words = lines[at]!.replace(/^[ >]+/, '');
      if (words !== '' && !isOr && !/^or\b/i.test(words)) below = undefined;
      // To the end of the paragraph.
      isOr = words !== '' && (isOr || /^or\b/i.test(words));
      rest.push(lines[at]!);
      continue;
    }
    const [, margin = '', fence = '', language = ''] = opening;
    const inside: string[] = [];
    const line = at + 2;
    rest.push('');
    for (at += 1; at < lines.length; at += 1) {
      rest.push('');
      const bare = withoutMargin(lines[at]!, margin);
      if (bare.trimEnd().startsWith(fence) && /^[`~]+$/.test(bare.trimEnd())) break;
      inside.push(bare);
    }
    const block: Block = { language, text: inside.map(one => `${one}\n`).join(''), line, answers: [] };
    if (language === 'text') below?.answers.push(block.text);
    else below = block;
    blocks.push(block);
  }
  return { blocks, rest: rest.join('\n') };
}

function withoutMargin(line: string, margin: string): string {
  let at = 0;
  while (at < margin.length && (line[at] === ' ' || line[at] === '>')) at += 1;
  return line.slice(at);
}

function withoutSpans(text: string): { spans: Span[]; rest: string } {
  const spans: Span[] = [];
  const blanks = (found: string) => found.replace(/[^\n]/g, ' ');
  const take = (found: string, code: string, at: number) => {
    // A span may go over the end of a line. In a table a bar is written \|.
    const span = code
      .replace(/\s*\n[ >]*/g, ' ')
      .replaceAll('\\|', '|')
      .trim();
    spans.push({ text: span, line: text.slice(0, at).split('\n').length });
    return blanks(found);
  };
  const rest = text
    .replace(/<!--[\s\S]*?-->/g, blanks)
    .replace(/(?<!`)(`+)(?!`)((?:(?!\n\s*\n)[\s\S])+?)(?<!`)\1(?!`)/g, (found, _, code: string, at: number) =>
      take(found, code, at),
    )
    .replace(/<code>([^<]*)<\/code>/g, (found, code: string, at: number) => take(found, textOf(code), at));
  return { spans: spans.sort((one, other) => one.line - other.line), rest };
}

function textOf(html: string): string {
  return html
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');
}

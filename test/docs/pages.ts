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
  /** What stands behind the language: what is to be done with the block, see blocks.ts. */
  mark: string;
  text: string;
  /** Of its first line of text, from 1. */
  line: number;
  /** The `text` block right below: what the commands print. And one below that, behind words that begin with "or". */
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
const ENTITIES: Record<string, string> = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&amp;': '&' };

export function allPages(folder = '.'): Page[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return FOREIGN.includes(entry.name) ? [] : allPages(path);
    return entry.name.endsWith('.md') ? [pageOf(path, readFileSync(join(ROOT, path), 'utf8'))] : [];
  });
}

export function pageOf(path: string, text: string): Page {
  const blocks = blocksIn(text);
  const lines = text.split('\n');
  for (const block of blocks) lines.fill('', block.line - 2, block.line + block.text.split('\n').length - 1);
  const { spans, prose } = withoutSpans(lines.join('\n'));
  return { path, text, blocks, spans, prose };
}

const lineAt = (text: string, at: number) => text.slice(0, at).split('\n').length;

function blocksIn(text: string): Block[] {
  const blocks: Block[] = [];
  let end = 0;
  let asked: Block | undefined;
  for (const match of text.matchAll(/^```(\w*) ?(.*)\n([\s\S]*?)^```$/gm)) {
    const [all, language = '', mark = '', inside = ''] = match;
    const between = text.slice(end, match.index).trim();
    end = match.index + all.length;
    const block = { language, mark, text: inside, line: lineAt(text, match.index) + 1, answers: [] };
    const isAnswer = language === 'text' && (between === '' || /^or\b[^\n]*(?:\n[^\n]+)*$/.test(between));
    if (!isAnswer) asked = language === 'sh' ? block : undefined;
    else asked?.answers.push(inside);
    blocks.push(block);
  }
  return blocks;
}

function withoutSpans(text: string): Pick<Page, 'spans' | 'prose'> {
  const spans: Span[] = [];
  const blanks = (found: string) => found.replace(/[^\n]/g, ' ');
  const uncommented = text.replace(/<!--[\s\S]*?-->/g, blanks);
  const pattern = /(?<!`)(`+)(?!`)((?:(?!\n\s*\n)[\s\S])+?)(?<!`)\1(?!`)|<code>([^<]*)<\/code>/g;
  const prose = uncommented.replace(
    pattern,
    (found, _, code: string | undefined, html: string, at: number) => {
      // A span may go over the end of a line. In a table a bar is written \|.
      const span = code ?? html.replace(/&\w+;/g, entity => ENTITIES[entity] ?? entity);
      const joined = span.replace(/\s*\n[ >]*/g, ' ').replaceAll('\\|', '|');
      spans.push({ text: joined.trim(), line: lineAt(text, at) });
      return blanks(found);
    },
  );
  return { spans, prose };
}

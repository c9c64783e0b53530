/**
 * The commands of the documents: every `sh` and `console` block, every code span, of prose or of a table's cell, that is
 * one, and what else looks like one: in a block of no language, of `text`, or of indented lines.
 */
import { type Page, pagesUnder } from './pages.ts';
import { PROGRAMS } from './programs.ts';
import { type Call, callsIn } from './shell.ts';

export interface Command {
  /** `docs/load.md:31` */
  where: string;
  page: Page;
  line: number;
  is: 'block' | 'span';
  text: string;
  calls: Call[];
  /** What the page says that it prints: one of these. */
  answers: string[];
}

type Found = Pick<Command, 'is' | 'text' | 'line' | 'answers'>;

const SHELLS = ['sh', 'bash', 'shell', 'zsh'];
const PROMPT = /^\$ /;
const CALLS_TALLY = /^npx tally \S/;
const SESSIONS = ['console', 'shell-session', 'terminal'];

/** In the order in which they are read. */
export function commandsOf(page: Page): Command[] {
  const blocks = page.blocks.flatMap(({ language, text, line, answers }): Found[] => {
    if (SHELLS.includes(language)) return [{ is: 'block', text, line, answers }];
    if (SESSIONS.includes(language) || (language === '' && /^\$ /m.test(text))) return sessionOf(text, line);
    return language === '' || language === 'text' ? linesOf(text, line, language) : [];
  });
  const spans = page.spans
    .map(({ text, line }) => ({ text: text.replace(PROMPT, ''), line }))
    .filter(({ text }) => isCommand(text))
    .map(({ text, line }) => ({ is: 'span' as const, text, line, answers: [] }));
  const indented = page.prose
    .split('\n')
    .flatMap((row, at) => (/^(?: {4,}|\t)/.test(row) ? linesOf(row.trimStart(), at + 1, 'text') : []));
  return [...blocks, ...indented, ...spans]
    .sort((one, other) => one.line - other.line)
    .map(({ is, text, line, answers }) => ({
      where: `${page.path}:${line}`,
      page,
      line,
      is,
      text,
      calls: callsIn(text),
      answers,
    }));
}

export function allCommands(): Command[] {
  return pagesUnder('.').flatMap(commandsOf);
}

/** What is none of a shell's block: in `text` only what calls Tally by its full name, so that no output is taken for it. */
function linesOf(text: string, line: number, language: string): Found[] {
  return text.split('\n').flatMap((row, at) => {
    // What it is for stands behind some spaces.
    const bare = row.replace(PROMPT, '').split(/ {2,}/)[0]!;
    const is = language === '' ? isCommand(bare) : CALLS_TALLY.test(bare);
    return is ? [{ is: 'span', text: bare, line: line + at, answers: [] }] : [];
  });
}

/** `$ command`, continued by `> `, with what it prints below. */
function sessionOf(text: string, line: number): Found[] {
  const commands: Found[] = [];
  for (const [index, row] of text.split('\n').slice(0, -1).entries()) {
    const last = commands.at(-1);
    if (/^[$#] /.test(row))
      commands.push({ is: 'block', text: `${row.slice(2)}\n`, line: line + index, answers: [] });
    else if (last !== undefined && last.answers.length === 0 && row.startsWith('> '))
      last.text += `${row.slice(2)}\n`;
    else if (last !== undefined) last.answers = [`${last.answers[0] ?? ''}${row}\n`];
  }
  return commands;
}

/**
 * A program that is known here and something behind it; or what can hardly be anything else than a call of a program
 * that is not: a word and a flag. A name alone (`node`, `nc`) is talked about, not called.
 */
export function isCommand(span: string): boolean {
  // What is quoted is another's: `--cmd 'cd there && ./server'`.
  const parts = span.replace(/'[^']*'|"[^"]*"/g, "''").split(/ (?:&&|\|\||\|) |; /);
  // Of several only those that are known count: an expression of a program has such signs too.
  return (
    isOne(span) || parts.slice(1).some(part => Object.hasOwn(PROGRAMS, part.split(' ')[0]!) && isOne(part))
  );
}

function isOne(span: string): boolean {
  const text = span.replace(/^(?:[A-Z_]+=\S* )+/, '');
  if (/^\.\/[\w-]+$/.test(text)) return true;
  const [first = '', ...rest] = text.split(' ');
  if (rest.length === 0) return false;
  // `time` and `env` are words too; of those that are, only a call with a flag or a path is one.
  if (Object.hasOwn(PROGRAMS, first))
    return !PROGRAMS[first]!.isWord || /(?:^| )(?:-|\.?\/)/.test(rest.join(' '));
  return /^(?:\.\/)?[a-z][\w.-]* (?:[\w./:-]+ )*--?[a-zA-Z]/.test(text) || text.startsWith('./');
}

/**
 * The commands of the documents: every `sh` and `console` block, and every code span, of prose or of a table's cell,
 * that is one.
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

const SHELLS = ['sh', 'bash', 'shell', 'zsh'];
const SESSIONS = ['console', 'shell-session', 'terminal'];

/** In the order in which they are read. */
export function commandsOf(page: Page): Command[] {
  const blocks = page.blocks.flatMap(({ language, text, line, answers }) => {
    if (SHELLS.includes(language)) return [{ is: 'block' as const, text, line, answers }];
    return SESSIONS.includes(language) ? sessionOf(text, line) : [];
  });
  const spans = page.spans
    .filter(({ text }) => isCommand(text))
    .map(({ text, line }) => ({ is: 'span' as const, text, line, answers: [] }));
  return [...blocks, ...spans]
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

/** `$ command`, continued by `> `, with what it prints below. */
function sessionOf(text: string, line: number) {
  const commands: { is: 'block'; text: string; line: number; answers: string[] }[] = [];
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
  const text = span.replace(/^(?:[A-Z_]+=\S* )+/, '');
  if (/^\.\/[\w-]+$/.test(text)) return true;
  const [first = '', ...rest] = text.split(' ');
  if (rest.length === 0) return false;
  // `time` and `env` are words too; of those that are, only a call with a flag or a path is one.
  if (Object.hasOwn(PROGRAMS, first))
    return !PROGRAMS[first]!.isWord || /(?:^| )(?:-|\.?\/)/.test(rest.join(' '));
  return /^(?:\.\/)?[a-z][\w.-]* (?:[\w./:-]+ )*--?[a-zA-Z]/.test(text) || text.startsWith('./');
}

/** Every link of a page, of Markdown, of pictures and of HTML, and what it may lead to. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { type Page, pageOf, ROOT } from './pages.ts';

export interface Link {
  /** `docs/load.md:31` */
  where: string;
  page: Page;
  /** As it is written. */
  to: string;
}

/** `](to)` and `](to "title")`; `<https://…>`; `href="…"`, `src="…"` and `srcset="one.svg 1x, two.svg 2x"`. */
const LINK =
  /\]\(\s*((?:[^()\s]|\([^()\s]*\))*)(?:\s+"[^"]*")?\s*\)|<(https?:[^>\s]*)>|\b(?:href|src)="([^"]*)"|\bsrcset="([^"]*)"/g;

export function linksOf(page: Page): Link[] {
  return [...page.prose.matchAll(LINK)].flatMap(({ 1: inline, 2: bare, 3: attribute, 4: set, index }) => {
    const all = set?.split(',').map(part => part.trim().split(/\s/)[0]!) ?? [inline ?? bare ?? attribute!];
    return all.map(to => ({
      where: `${page.path}:${page.prose.slice(0, index).split('\n').length}`,
      page,
      to,
    }));
  });
}

/** Ways to write a link that are not looked for, so that no page may use them: `[words][name]`, `[name]: …`. */
export function otherLinksIn({ prose }: Page): string[] {
  return [...(prose.match(/\][[][^\]]*\]|^ {0,3}\[[^\]]+\]: *\S+|\b(?:href|src|srcset)='/gm) ?? [])];
}

export const isExternal = (to: string) => /^[a-z][a-z+.-]*:|^\/\//i.test(to);

/** What is wrong with a link to a file of this repository, if anything. */
export function mistakeOf({ page, to }: Omit<Link, 'where'>): string | undefined {
  if (to === '') return 'leads nowhere';
  const [path = '', anchor] = to.split('#') as [string, string | undefined];
  const file = path === '' ? page.path : join(dirname(page.path), path);
  if (path.startsWith('/')) return 'begins at the root of whatever shows the page; write it from the page on';
  if (relative(ROOT, join(ROOT, file)).startsWith('..')) return 'leads out of the project';
  const missing = missingPart(file);
  if (missing !== undefined) return missing;
  if (anchor === undefined) return undefined;
  // A line of a source, as #L12, is a promise that no edit keeps.
  if (!file.endsWith('.md')) return `has an anchor, ${anchor}, in a file that has none`;
  const { text } = pageOf(file, readFileSync(join(ROOT, file), 'utf8'));
  return anchorsIn(text).includes(anchor) ? undefined : `${file} has no #${anchor}`;
}

/** Letter for letter, though the file system may not care. */
export function missingPart(file: string): string | undefined {
  let folder = ROOT;
  for (const name of file.split(sep).filter(part => part !== '' && part !== '.')) {
    const names = existsSync(folder) ? readdirSync(folder) : [];
    if (!names.includes(name)) {
      const other = names.find(one => one.toLowerCase() === name.toLowerCase());
      return other === undefined ? `there is no ${file}` : `there is no ${name}, but ${other}`;
    }
    folder = join(folder, name);
  }
  return undefined;
}

/** Of headings, as where the documents are shown; a second one of the same words gets -1. And `<a id>`. */
export function anchorsIn(text: string): string[] {
  const found: string[] = [];
  for (const [, heading, id] of text
    .replace(/^```[\s\S]*?^```$/gm, '')
    .matchAll(/^#{1,6} +(.*?) *$|<\w+\b[^>]*\bid="([^"]+)"/gm)) {
    const anchor = id ?? anchorOf(heading!);
    const twins = found.filter(other => other.replace(/-\d+$/, '') === anchor).length;
    found.push(twins === 0 ? anchor : `${anchor}-${twins}`);
  }
  return found;
}

function anchorOf(heading: string): string {
  return heading
    .replace(/<[^>]*>/g, '')
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/ /g, '-');
}

/** What is wrong with an address elsewhere, as far as can be seen from here. */
export function addressMistake(to: string): string | undefined {
  if (!URL.canParse(to)) return 'is no address';
  const { protocol, hostname, username } = new URL(to);
  if (protocol !== 'https:' && protocol !== 'http:') return `${protocol} is not followed by a reader`;
  if (username !== '') return 'has a user in it';
  const isLocal = hostname === 'localhost' || hostname === '127.0.0.1';
  if (!isLocal && (!/\.[a-z]{2,}$/.test(hostname) || /[<>"{}|\\^`\s]/.test(to))) return 'is no address';
  return undefined;
}

/** What the documents name in code without a link: files of this repository, from the page on or from the root. */
export function filesIn(code: string): string[] {
  return code
    .split(/[\s'"`(),;=|<>]+/)
    .map(word => word.replace(/[:.]+$|:\d[\d:-]*$|#.*$/g, ''))
    .filter(word => /^(?:\.\.?\/)*(?:docs|src|steps|bench|test)\/[\w.-]/.test(word))
    .filter(word => !/[*…{}$?[\]]|\bNN?\b|\/target\//.test(word));
}

export function fileMistake(file: string, { path }: Pick<Page, 'path'>): string | undefined {
  const missing = missingPart(join(file));
  return missing !== undefined && missingPart(join(dirname(path), file)) !== undefined ? missing : undefined;
}

/** Every link of a page: of Markdown, by reference, of pictures, of HTML, and of a footnote; and what it may lead to. */
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

/** What is written as a reference and defined nowhere. */
export interface Undefined {
  where: string;
  name: string;
}

const INLINE = /\]\(\s*(?:<([^>]*)>|((?:[^()\s]|\([^()\s]*\))*))(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)/g;
const DEFINITION = /^ {0,3}\[([^\]^][^\]]*)\]:\s*(?:<([^>]*)>|(\S+))/gm;
const HTML = /<(?:a|img|source|link|picture|video|object)\b[^>]*>/gi;
const ATTRIBUTE = /\b(href|src|srcset|data)\s*=\s*(?:"([^"]*)"|'([^']*)')/gi;
const BARE = /<(https?:[^>\s]*)>/g;

export function linksOf(page: Page): Link[] {
  const links: Link[] = [];
  const add = (to: string, at: number) =>
    links.push({ where: `${page.path}:${page.prose.slice(0, at).split('\n').length}`, page, to });
  for (const match of page.prose.matchAll(INLINE)) add(match[1] ?? match[2]!, match.index);
  for (const match of page.prose.matchAll(DEFINITION)) add(match[2] ?? match[3]!, match.index);
  for (const match of page.prose.matchAll(BARE)) add(match[1]!, match.index);
  for (const tag of page.prose.matchAll(HTML))
    for (const [, name, one, other] of tag[0].matchAll(ATTRIBUTE)) {
      const value = one ?? other!;
      // `one.svg 1x, two.svg 2x`
      const all =
        name!.toLowerCase() === 'srcset'
          ? value.split(',').map(part => part.trim().split(/\s/)[0]!)
          : [value];
      for (const to of all) add(to, tag.index);
    }
  return links;
}

/** `[words][name]` and `[name][]`, of which there is no `[name]: …`. */
export function undefinedIn(page: Page): Undefined[] {
  const known = new Set([...page.prose.matchAll(DEFINITION)].map(match => match[1]!.trim().toLowerCase()));
  return [...page.prose.matchAll(/\[([^\][]+)\]\[([^\][]*)\]/g)]
    .map(match => ({
      where: `${page.path}:${page.prose.slice(0, match.index).split('\n').length}`,
      name: (match[2] || match[1]!).trim().toLowerCase(),
    }))
    .filter(({ name }) => !known.has(name));
}

export const isExternal = (to: string) => /^[a-z][a-z+.-]*:|^\/\//i.test(to);

/** What is wrong with a link to a file of this repository, if anything. */
export function mistakeOf({ page, to }: Link): string | undefined {
  if (to === '') return 'leads nowhere';
  const [path = '', anchor] = to.split('#') as [string, string | undefined];
  let file: string;
  try {
    file = path === '' ? page.path : join(dirname(page.path), decodeURIComponent(path.split('?')[0]!));
  } catch {
    return 'is no address';
  }
  if (path.startsWith('/')) return 'begins at the root of whatever shows the page; write it from the page on';
  if (relative(ROOT, join(ROOT, file)).startsWith('..')) return 'leads out of the project';
  const missing = missingPart(file);
  if (missing !== undefined) return missing;
  if (anchor === undefined || !file.endsWith('.md')) {
    // A line of a source, as #L12, is a promise that no edit keeps.
    return anchor === undefined ? undefined : `has an anchor, ${anchor}, in a file that has none`;
  }
  return anchorsOf(file).has(anchor) ? undefined : `${file} has no #${anchor}`;
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

const anchors = new Map<string, Set<string>>();

/** Of headings, as where the documents are shown; a second one of the same words gets -1. And `<a id>`. */
function anchorsOf(file: string): Set<string> {
  let found = anchors.get(file);
  if (found === undefined) {
    found = anchorsIn(readFileSync(join(ROOT, file), 'utf8'));
    anchors.set(file, found);
  }
  return found;
}

export function anchorsIn(text: string): Set<string> {
  const found = new Set<string>();
  // With the blocks out, but with the code spans in.
  const { blocks } = pageOf('', text);
  const lines = text.split('\n');
  for (const block of blocks) {
    const length = block.text.split('\n').length - 1;
    lines.fill('', block.line - 2, block.line + length);
  }
  for (const line of lines) {
    const heading = /^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$/.exec(line)?.[1];
    if (heading !== undefined) found.add(unused(anchorOf(heading), found));
    for (const match of line.matchAll(/<\w+\b[^>]*\b(?:id|name)="([^"]+)"/g)) found.add(match[1]!);
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

function unused(anchor: string, found: Set<string>): string {
  if (!found.has(anchor)) return anchor;
  let number = 1;
  while (found.has(`${anchor}-${number}`)) number += 1;
  return `${anchor}-${number}`;
}

/** What is wrong with an address elsewhere, as far as can be seen from here. */
export function addressMistake(to: string): string | undefined {
  if (to.startsWith('mailto:')) return undefined;
  if (!URL.canParse(to)) return 'is no address';
  const { protocol, hostname, username } = new URL(to);
  if (protocol !== 'https:' && protocol !== 'http:') return `${protocol} is not followed by a reader`;
  if (username !== '') return 'has a user in it';
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  if (!isLocal && (!/\.[a-z]{2,}$/.test(hostname) || /[<>"{}|\\^`\s]/.test(to))) return 'is no address';
  return undefined;
}

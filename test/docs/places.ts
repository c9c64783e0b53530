/**
 * What the documents name without a link to it: the addresses of the live server, and, in code, files of this
 * repository.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { missingPart } from './links.ts';
import { type Page, ROOT } from './pages.ts';

const routes = readFileSync(join(ROOT, 'src/http/routes.ts'), 'utf8');

/** What it answers: the page, the files of the page, and the cases of its routes. */
export const SERVED = [
  ...readdirSync(join(ROOT, 'src/http/page')).map(name => (name === 'live.html' ? '/' : `/${name}`)),
  ...[...routes.matchAll(/case '(\/[^']*)'/g)].map(match => match[1]!),
];

/** The paths behind `127.0.0.1:9100` and its like. */
export function addressesIn(text: string): string[] {
  const found = text.matchAll(/(?:127\.0\.0\.1|localhost|\[::1\]):(?:\d+|[A-Z]+)(\/[\w./-]*)/g);
  // The full stop behind it ends the sentence.
  return [...found].map(match => match[1]!.replace(/\.+$/, ''));
}

export function placeMistake(path: string): string | undefined {
  return SERVED.includes(path) ? undefined : `the live server has no ${path}; it has ${SERVED.join(', ')}`;
}

/** `src/cli/main.ts`, `../steps/kit/`: a name with a wildcard, or one that the reader fills in, is none. */
export function filesIn(code: string): string[] {
  return code
    .split(/[\s'"`(),;=|<>]+/)
    .map(word => word.replace(/[:.]+$|:\d[\d:-]*$|#.*$/g, ''))
    .filter(word => /^(?:\.\.?\/)*(?:docs|src|steps|bench|test)\/[\w.-]/.test(word))
    .filter(word => !/[*…{}$?[\]]|\bNN?\b|\/target\//.test(word));
}

/** From the page on, or from the root: both are usual. */
export function fileMistake(file: string, { path }: Page): string | undefined {
  const missing = missingPart(join(file));
  return missing !== undefined && missingPart(join(dirname(path), file)) !== undefined ? missing : undefined;
}

/**
 * The files of the live page, read once when the thread starts: no path in a request ever reaches the file system.
 * They are served unchanged from `page/`, which the build copies.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';

export interface PageFile {
  type: string;
  body: Buffer;
}

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The files by path: `/` is the page, `/rings.js` a part of it. */
export function readPageFiles(folder = new URL('./page/', import.meta.url)): Map<string, PageFile> {
  const files = readdirSync(folder).map((name): [string, PageFile] => {
    const type = TYPES[extname(name)];
    if (type === undefined) throw new Error(`${name} is of no type that the page is made of`);
    return [name === 'live.html' ? '/' : `/${name}`, { type, body: readFileSync(new URL(name, folder)) }];
  });
  return new Map(files);
}

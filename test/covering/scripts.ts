/**
 * The scripts of a coverage run that were made of files in src, wherever they ran: the processes that tests start run
 * what the compiler made, vitest what it made itself, and threads of tests what tsx made.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { SourceMapPayload } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Counts, type Generated, readMap, type ScriptCounts } from './counts.ts';

interface Dump {
  result: ScriptCounts[];
  'source-map-cache'?: Record<string, { lineLengths: number[]; data: SourceMapPayload | null }>;
}

/** What vitest puts around a module, in front of its first line. */
const WRAPPER = /^[^\n]*?=>\s*\{\{/;
const INLINE_MAP = /\/\/# sourceMappingURL=data:application\/json[^,]*;base64,([\w+/=]+)\s*/g;

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SRC_URL = pathToFileURL(join(ROOT, 'src/')).href;
const DIST_URL = pathToFileURL(join(ROOT, 'dist/src/')).href;

/** The maps of compiled files, and of texts that were run before. */
const mapsRead = new Map<string, Generated>();

/** Hands over every script of src, as the path of its source and its counts. */
export function readScripts(folder: string, take: (path: string, counts: Counts) => void): void {
  for (const name of readdirSync(folder)) {
    const dump = readDump(join(folder, name));
    for (const script of dump?.result ?? []) {
      const url = script.url.startsWith('/') ? pathToFileURL(script.url).href : script.url;
      const path = sourceOf(url);
      if (path === undefined) continue;
      const generated = generatedOf(url, path, script, dump!);
      if (generated !== undefined) take(path, new Counts(generated, script));
    }
  }
}

/** Undefined if the process was killed while it wrote its counts. */
function readDump(file: string): Dump | undefined {
  const text = readFileSync(file, 'utf8');
  try {
    return JSON.parse(text) as Dump;
  } catch {
    console.log(`${file} ends after ${text.length} bytes: its counts are missing`);
    return undefined;
  }
}

function sourceOf(url: string): string | undefined {
  if (url.startsWith(DIST_URL)) return `src/${url.slice(DIST_URL.length).replace(/\.js$/, '.ts')}`;
  return url.startsWith(SRC_URL) ? `src/${url.slice(SRC_URL.length).replace(/\?.*/, '')}` : undefined;
}

function generatedOf(url: string, path: string, script: ScriptCounts, dump: Dump): Generated | undefined {
  if (script.source !== undefined) return readOnce(script.source, () => readInline(script.source!));
  const cached = dump['source-map-cache']?.[url];
  if (url.startsWith(DIST_URL)) {
    const file = join(ROOT, 'dist', path.replace(/\.ts$/, '.js'));
    return readOnce(file, () =>
      readMap(
        JSON.parse(readFileSync(`${file}.map`, 'utf8')) as SourceMapPayload,
        lengthsOf(readFileSync(file, 'utf8')),
      ),
    );
  }
  if (cached?.data == null) return undefined;
  return readOnce(`${url} ${cached.data.mappings}`, () => readMap(cached.data!, cached.lineLengths));
}

function readInline(source: string): Generated {
  const data = [...source.matchAll(INLINE_MAP)].at(-1)?.[1];
  if (data === undefined) throw new Error(`a script without a source map: ${source.slice(0, 200)}`);
  const payload = JSON.parse(Buffer.from(data, 'base64').toString()) as SourceMapPayload;
  const wrapper = WRAPPER.exec(source)?.[0] ?? '';
  return readMap(payload, lengthsOf(source), wrapper.length);
}

function readOnce(key: string, read: () => Generated): Generated {
  let generated = mapsRead.get(key);
  if (generated === undefined) {
    generated = read();
    mapsRead.set(key, generated);
  }
  return generated;
}

const lengthsOf = (text: string) => text.split('\n').map(line => line.length);

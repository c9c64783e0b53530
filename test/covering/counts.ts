/**
 * What was run of a source, and what was not: its statements, and the ways that its branches take. V8 counts in the
 * compiled file, in every process and thread that runs it, and in the text that Vite makes of that for the tests
 * themselves. The counts of each text are added up; what one of them has run was run.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Profiler } from 'node:inspector';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { convert } from 'ast-v8-to-istanbul';
import { parseAst } from 'vitest/node';

/** A statement, or a way of a branch. */
interface Way {
  /** Of a branch: `then`, `else`, `no else`, `?`, `:`, `case 3`, `operand 2`; of a statement it is empty. */
  way: string;
  /** Counted from 1. */
  line: number;
  column: number;
  isRun: boolean;
}

export interface Part extends Way {
  /** The text of the line on which it begins. */
  text: string;
}

export type Script = Pick<Profiler.ScriptCoverage, 'url' | 'functions'> & {
  /** What was run, if it is no file. */
  text?: string;
};

/** The texts that were run of a file, each with how often each of its characters was run. */
export type Made = Map<string, Uint32Array>;

/** What Vite puts around a module. */
const WRAPPER = /^[^\n]*?=>\s*\{\{/;

/** What is in the dumps that Node and setup.ts have written, by the path of the compiled file, for a folder of those. */
export function readCounts(dumps: string, folder: string): Map<string, Made> {
  const address = pathToFileURL(join(folder, '/')).href;
  const found = new Map<string, Made>();
  for (const dump of readdirSync(dumps)) {
    for (const script of readDump(join(dumps, dump)).filter(({ url }) => url.startsWith(address))) {
      const file = fileURLToPath(script.url.replace(/\?.*/, ''));
      const text = script.text ?? readFileSync(file, 'utf8');
      const made: Made = found.get(file) ?? new Map();
      found.set(file, made.set(text, withCounts(script, made.get(text) ?? new Uint32Array(text.length))));
    }
  }
  return found;
}

/** Nothing if the process was killed while it wrote. */
function readDump(file: string): Script[] {
  const text = readFileSync(file, 'utf8');
  try {
    return (JSON.parse(text) as { result: Script[] }).result;
  } catch {
    console.log(`${file} ends after ${text.length} bytes: its counts are missing`);
    return [];
  }
}

/**
 * The innermost range around a character has its count. The sum may wrap, and so does the difference that says how
 * often an `else` was taken that does not stand there; only 0 matters.
 */
function withCounts({ functions }: Script, counts: Uint32Array): Uint32Array {
  const own = new Uint32Array(counts.length);
  const ranges = functions.flatMap(one => one.ranges);
  ranges.sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset);
  for (const { startOffset, endOffset, count } of ranges) own.fill(count, startOffset, endOffset);
  return counts.map((count, at) => count + own[at]!);
}

/** All parts of the source of a compiled file, and whether any of what was made of the source has run them. */
export async function partsOf(compiled: string, made: Made = new Map()): Promise<Part[]> {
  const code = readFileSync(compiled, 'utf8');
  const sourceMap = JSON.parse(readFileSync(`${compiled}.map`, 'utf8'));
  const source = join(dirname(compiled), sourceMap.sources[0]);
  const lines = readFileSync(source, 'utf8').split('\n');
  const url = pathToFileURL(source).href;
  const counts = made.get(code) ?? new Uint32Array(code.length);
  const parts = waysIn(
    await convert({ code, sourceMap, coverage: scriptOf(url, counts), ast: parseAst(code) }),
  );
  const keyOf = ({ line, column, way }: Way) => `${line}:${column}:${way}`;
  const run = new Set<string>();
  for (const [text, counts] of made) {
    if (text === code) continue;
    const { length: wrapperLength } = WRAPPER.exec(text)![0];
    const inside = text.slice(wrapperLength, text.lastIndexOf('}}'));
    const coverage = scriptOf(url, counts);
    const converted = await convert({ code: inside, wrapperLength, coverage, ast: parseAst(inside) });
    for (const way of waysIn(converted)) if (way.isRun) run.add(keyOf(way));
  }
  return parts.map(part => ({
    ...part,
    text: lines[part.line - 1]!.trim(),
    isRun: part.isRun || run.has(keyOf(part)),
  }));
}

function waysIn(converted: Awaited<ReturnType<typeof convert>>): Way[] {
  return Object.values(converted).flatMap(({ statementMap, s, branchMap, b }) => {
    const statements = Object.entries(statementMap).map(([id, { start }]) => ({
      ...start,
      way: '',
      isRun: s[id] !== 0,
    }));
    const branches = Object.entries(branchMap).flatMap(([id, { type, locations, loc }]) =>
      locations.map(({ start }, at) => {
        // An `else` that does not stand there has no place.
        const stands = start.line !== undefined;
        return { ...(stands ? start : loc.start), way: wayOf(type, at, stands), isRun: b[id]![at] !== 0 };
      }),
    );
    return [...statements, ...branches];
  });
}

/** As V8 says it: a range from each change of the count to the next. */
function scriptOf(url: string, counts: Uint32Array): Script {
  const starts = [...counts.keys()].filter(at => at === 0 || counts[at] !== counts[at - 1]);
  const ranges = starts.map((startOffset, at) => ({
    startOffset,
    endOffset: starts[at + 1] ?? counts.length,
    count: counts[startOffset]!,
  }));
  return { url, functions: [{ functionName: '', isBlockCoverage: true, ranges }] };
}

function wayOf(type: string, at: number, stands: boolean): string {
  if (type === 'if') return at === 0 ? 'then' : stands ? 'else' : 'no else';
  if (type === 'cond-expr') return at === 0 ? '?' : ':';
  return `${type === 'switch' ? 'case' : 'operand'} ${at + 1}`;
}

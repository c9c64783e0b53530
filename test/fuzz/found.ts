/**
 * The inputs that are kept: what the fuzzers found, and hard ones that are worth keeping. Each lies in the corpus with
 * what the oracle says of it, and is replayed by an ordinary test for ever.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { oracle, show } from '../support/oracle.ts';
import { expectedOf } from './ledger.ts';
import { LINE_BYTES_MAX } from './wire.ts';

export const FOUND_FILE = fileURLToPath(new URL('../corpus/found.json', import.meta.url));

/** A line that was judged wrongly. */
export interface FoundLine {
  /** Where it came from, or why it is hard. */
  why: string;
  hex: string;
  /** What the oracle says of it, in words. */
  verdict: string;
}

/** A batch whose replies were wrong when it was cut. */
export interface FoundBatch {
  why: string;
  hex: string;
  /** What the ledger says. */
  replies: string;
}

export interface Found {
  lines: FoundLine[];
  batches: FoundBatch[];
}

export function readFound(file = FOUND_FILE): Found {
  if (!existsSync(file)) return { lines: [], batches: [] };
  return JSON.parse(readFileSync(file, 'utf8')) as Found;
}

export function foundLine(line: Buffer, why: string): FoundLine {
  return { why, hex: line.toString('hex'), verdict: show(oracle(line)) };
}

export function foundBatch(bytes: Buffer, why: string): FoundBatch {
  const { replies } = expectedOf(bytes, LINE_BYTES_MAX);
  return { why, hex: bytes.toString('hex'), replies };
}

/** Adds an input to the file, unless it is there; says whether it was added. */
export function keepLine(line: Buffer, why: string, file = FOUND_FILE): boolean {
  const found = readFound(file);
  const entry = foundLine(line, why);
  if (found.lines.some(({ hex }) => hex === entry.hex)) return false;
  found.lines.push(entry);
  write(found, file);
  return true;
}

export function keepBatch(bytes: Buffer, why: string, file = FOUND_FILE): boolean {
  const found = readFound(file);
  const entry = foundBatch(bytes, why);
  if (found.batches.some(({ hex }) => hex === entry.hex)) return false;
  found.batches.push(entry);
  write(found, file);
  return true;
}

function write(found: Found, file: string): void {
  const rows = (list: object[]) => list.map(entry => JSON.stringify(entry)).join(',\n');
  const { lines, batches } = found;
  writeFileSync(file, `{"lines":[\n${rows(lines)}\n],"batches":[\n${rows(batches)}\n]}\n`);
}

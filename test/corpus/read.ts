/** Reads the corpus as a stranger would, from its file alone, and says what the oracle thinks of an entry. */
import { readFileSync } from 'node:fs';
import { Kind } from '../../src/protocol/request.ts';
import { KIND_NAMES, oracle } from '../support/oracle.ts';
import type { Verdict } from './entry.ts';

export const LINE_BYTES_MAX = 16_384;

interface Part {
  text?: string;
  hex?: string;
  times: number;
}

export interface Entry extends Verdict {
  group: string;
  name: string;
  why: string;
  /** One of the three. */
  text?: string;
  hex?: string;
  parts?: Part[];
}

export interface Corpus {
  format: 1;
  about: string;
  lineBytesMax: number;
  entries: Entry[];
}

export function readCorpus(): Corpus {
  return JSON.parse(readFileSync(new URL('./lines.json', import.meta.url), 'utf8')) as Corpus;
}

/** The file's text: an entry a line, so that it can be read, searched and compared line by line. */
export function textOf({ entries, ...head }: Corpus): string {
  const rows = entries.map(entry => JSON.stringify(entry)).join(',\n');
  return `${JSON.stringify(head).slice(0, -1)},"entries":[\n${rows}\n]}\n`;
}

/** The bytes of an entry's line, without its line end. */
export function lineOf({ text, hex, parts }: Omit<Part, 'times'> & { parts?: Part[] }): Buffer {
  if (parts !== undefined)
    return Buffer.concat(parts.flatMap(part => Array<Buffer>(part.times).fill(lineOf(part))));
  return hex === undefined ? Buffer.from(text!, 'latin1') : Buffer.from(hex, 'hex');
}

const VERDICTS: Record<string, Verdict['verdict']> = {
  invalidJson: 'invalid_json',
  invalidEvent: 'invalid_event',
  unknownType: 'unknown_type',
  metricsDetail: 'metrics',
};

/** The oracle's verdict in the words of the file. */
export function verdictOf(line: Buffer): Verdict {
  if (line.length > LINE_BYTES_MAX) return { verdict: 'line_too_long' };
  const { kind, user, amount, isWaiting } = oracle(line);
  const verdict = VERDICTS[KIND_NAMES[kind]!] ?? (KIND_NAMES[kind] as Verdict['verdict']);
  const userHex = user.toString('hex');
  if (kind === Kind.event) return { verdict, userHex, amount, wait: isWaiting };
  if (kind === Kind.balance) return { verdict, userHex };
  if (verdict === 'metrics') return { verdict, detail: kind === Kind.metricsDetail };
  return { verdict };
}

/** How the oracle differs from what the entry says; undefined if it does not. */
export function complaintOf(entry: Entry): string | undefined {
  const found = verdictOf(lineOf(entry));
  for (const key of ['verdict', 'userHex', 'amount', 'wait', 'detail'] as const) {
    if (found[key] !== entry[key])
      return `${key} is ${entry[key]} in the entry, the oracle says ${found[key]}`;
  }
  return undefined;
}

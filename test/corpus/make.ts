/**
 * Writes lines.json from what the groups say: `npx tsx test/corpus/make.ts`. It refuses to if an entry's verdict is not
 * what the oracle says too, or if two entries have the same line.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bytesOf, type Draft, type Group, type Line } from './entry.ts';
import { FIELD_GROUPS } from './fields.ts';
import { NUMBERS } from './numbers.ts';
import { type Corpus, complaintOf, type Entry, LINE_BYTES_MAX, textOf } from './read.ts';
import { STRINGS } from './strings.ts';
import { STRUCTURE } from './structure.ts';

const FILE = fileURLToPath(new URL('./lines.json', import.meta.url));
const ABOUT =
  'Lines, and what a server of the contract makes of each. README.md beside this file says how to read it.';

const GROUPS: Group[] = [...FIELD_GROUPS, ...NUMBERS, ...STRINGS, ...STRUCTURE];

function entryOf(group: string, { name, why, line, verdict }: Draft): Entry {
  return { group, name, why, ...written(line), ...verdict };
}

/** As text where it can be read, otherwise as hex; what is repeated is written once. */
function written(line: Line): Pick<Entry, 'text' | 'hex' | 'parts'> {
  if (typeof line === 'string') return part(line);
  return {
    parts: line.map(each =>
      typeof each === 'string' ? { ...part(each), times: 1 } : { ...part(each[0]), times: each[1] },
    ),
  };
}

function part(text: string): { text: string } | { hex: string } {
  return /^[\x20-\x7e]+$/.test(text) ? { text } : { hex: Buffer.from(text, 'latin1').toString('hex') };
}

/** The entries of all groups, in their order. */
function makeEntries(): Entry[] {
  const names = new Map<string, string>();
  return GROUPS.flatMap(({ group, drafts }) =>
    drafts.map(draft => {
      const entry = entryOf(group, draft);
      const where = `${group}: ${draft.name}`;
      const complaint = complaintOf(entry);
      if (complaint !== undefined) throw new Error(`${where}: ${complaint}`);
      const key = bytesOf(draft.line).toString('latin1');
      const other = names.get(key);
      if (other !== undefined) throw new Error(`${where} is the same line as ${other}`);
      names.set(key, where);
      return entry;
    }),
  );
}

/** The whole file. */
export function makeCorpus(): Corpus {
  return { format: 1, about: ABOUT, lineBytesMax: LINE_BYTES_MAX, entries: makeEntries() };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const corpus = makeCorpus();
  writeFileSync(FILE, textOf(corpus));
  console.log(`${corpus.entries.length} entries in ${FILE}`);
}

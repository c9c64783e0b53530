/**
 * The cost of lines in other forms: the same events of the same users in the same order, written in other ways, and
 * invalid lines of about their length. The usual line has its own parser; all others take the general one.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_WORK } from '../../src/tools/load/plan.ts';
import { drawUniform, randomFrom } from '../../src/tools/load/random.ts';
import type { Bench, Measure, Size } from '../bench.ts';
import { alternate } from '../rounds.ts';
import { TALLY } from './subjects.ts';
import { ROUNDS, trialOf, USERS } from './trial.ts';

const DEPTHS: Record<Size, number[]> = { small: [16], full: [16, 128] };
/** In a file; the generator repeats them. */
const LINES: Record<Size, number> = { small: 2 ** 11, full: 2 ** 16 };
const SEED = 1;

interface Shape {
  lineOf(user: number): string;
  /** If given, the line is invalid, and must be answered with this reason. */
  error?: string;
}

const SHAPES: Record<string, Shape> = {
  'the usual line': { lineOf: user => `{"user":"u${user}","action":"buy","amount":50}` },
  'keys in another order': { lineOf: user => `{"amount":50,"action":"buy","user":"u${user}"}` },
  'with spaces': { lineOf: user => `{ "user": "u${user}", "action": "buy", "amount": 50 }` },
  'an escape in the name': { lineOf: user => `{"user":"\\u0075${user}","action":"buy","amount":50}` },
  'all three': { lineOf: user => `{ "amount": 50, "action": "buy", "user": "\\u0075${user}" }` },
  // Invalid in its last byte, after all the work of a valid one.
  'no JSON, at its end': {
    lineOf: user => `{"user":"u${user}","action":"buy","amount":50]`,
    error: 'invalid_json',
  },
  'no JSON, from its start': {
    lineOf: user => `user u${user} would like to buy for about 50`,
    error: 'invalid_json',
  },
  'JSON, and no event': {
    lineOf: user => `{"user":"u${user}","action":"get","amount":50}`,
    error: 'invalid_event',
  },
};

export const bench: Bench = {
  name: 'lines',
  about: 'Tally alone: the usual line, the same events written in other ways, and garbage, by depth',
  async run(size, say) {
    const folder = mkdtempSync(join(tmpdir(), 'tally-bench-lines-'));
    const remove = () => rmSync(folder, { recursive: true, force: true });
    process.on('exit', remove);
    try {
      return await compare(writeFiles(folder, LINES[size]), size, say);
    } finally {
      process.off('exit', remove);
      remove();
    }
  },
};

/** A file of lines for each shape, by its name. */
function writeFiles(folder: string, lines: number): Map<string, string> {
  const drawUser = drawUniform(USERS, randomFrom(SEED));
  const users = Array.from({ length: lines }, drawUser);
  return new Map(
    Object.entries(SHAPES).map(([subject, { lineOf }], index) => {
      const file = join(folder, `${index}.jsonl`);
      writeFileSync(file, users.map(user => `${lineOf(user)}\n`).join(''));
      return [subject, file];
    }),
  );
}

async function compare(
  files: Map<string, string>,
  size: Size,
  say: (line: string) => void,
): Promise<Measure[]> {
  const measures: Measure[] = [];
  for (const depth of DEPTHS[size]) {
    say(`depth ${depth}`);
    const trials = Object.entries(SHAPES).map(([subject, { error }]) => {
      const replay = { file: files.get(subject)!, error };
      return trialOf(TALLY, { subject, mix: DEFAULT_WORK.mix, replay, depth, noun: 'line' }, size, say);
    });
    measures.push(...(await alternate(ROUNDS[size], trials, say)));
  }
  return measures;
}

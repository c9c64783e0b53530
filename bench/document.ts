/**
 * `npm run document`: copies the figures of bench/results into the documents, so that none is typed by hand. A pair
 * of comments in a document marks the place:
 *
 *     <!-- figures: peers -->
 *     … replaced …
 *     <!-- end of figures -->
 *
 * `facts` in place of `figures` gives one table of all measures, for records without a comparison. `ratios` and
 * `worse` are for the peers: Tally's throughput relative to each peer's, with each client, and with the client that
 * is less favourable to Tally.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { machineLine } from '../src/tools/harness/machine.ts';
import { median } from '../src/tools/harness/samples.ts';
import type { BenchRecord, Measure } from './bench.ts';
import { partsOf, ratiosText, worseText } from './peers/worse.ts';
import { figureOf } from './table.ts';

/** The compiled file is one folder deeper. */
const ROOT = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '..' : '../..', import.meta.url));
export const DOCUMENTS = ['README.md', 'docs/benchmarking.md', 'docs/microsecond.md', 'docs/proof.md'];

/** By their names in the documents. */
const KINDS: Record<string, (record: BenchRecord) => string> = {
  figures: figuresText,
  facts: factsText,
  ratios: record => withSource([ratiosText(record)], record),
  worse: record => withSource([worseText(record)], record),
};
const PLACE = /<!-- (figures|facts|ratios|worse): ([\w-]+) -->\n[\s\S]*?<!-- end of \1 -->/g;
/** With more subjects than this, each is a row, not a column. */
const SUBJECT_COLUMNS_MAX = 4;

/** The text with its figures replaced by those of the records. */
export function withFigures(text: string, recordOf: (bench: string) => BenchRecord): string {
  return text.replace(PLACE, (_, kind: string, bench: string) => {
    const tables = KINDS[kind]!(recordOf(bench));
    return `<!-- ${kind}: ${bench} -->\n${tables}<!-- end of ${kind} -->`;
  });
}

export function readBenchRecord(bench: string): BenchRecord {
  const path = `bench/results/${bench}.json`;
  const record = JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as BenchRecord;
  if (record.size !== 'full') throw new Error(`${path} is of a small run; its figures mean nothing`);
  return record;
}

/**
 * One table for each unit (and client, if there are two), with subjects as rows and conditions as columns; then the
 * source.
 */
export function figuresText(record: BenchRecord): string {
  const titleOf = ({ unit, condition }: Measure) => [unit, partsOf(condition)[1]].filter(Boolean).join(', ');
  const titles = [...new Set(record.measures.map(titleOf))];
  const tables = titles.map(title =>
    tableText(
      title,
      record.measures.filter(measure => titleOf(measure) === title),
    ),
  );
  return withSource(tables, record);
}

/** One table of all measures, for records of one run with many results. */
export function factsText(record: BenchRecord): string {
  const { measures } = record;
  const units = [...new Set(measures.map(({ unit }) => unit))];
  // With one subject, the conditions name the rows.
  const nameOf = ({ subject, condition }: Measure) => condition || subject;
  const subjects = [...new Set(measures.map(nameOf))];
  const cell = (subject: string, unit: string) => {
    const found = measures.find(measure => nameOf(measure) === subject && measure.unit === unit);
    return found === undefined ? '' : factText(found);
  };
  if (subjects.length === measures.length && units.length > 1) {
    const rows = measures.map(measure => `| ${nameOf(measure)} | ${factText(measure)} ${measure.unit} |`);
    return withSource([`${['| | |', '| --- | ---: |', ...rows].join('\n')}\n`], record);
  }
  const isNarrow = subjects.length <= SUBJECT_COLUMNS_MAX;
  const [rows, columns] = isNarrow ? [units, subjects] : [subjects, units];
  const lines = [
    `| | ${columns.join(' | ')} |`,
    `| --- |${columns.map(() => ' ---: |').join('')}`,
    ...rows.map(
      row =>
        `| ${row} | ${columns.map(column => (isNarrow ? cell(column, row) : cell(row, column))).join(' | ')} |`,
    ),
  ];
  return withSource([`${lines.join('\n')}\n`], record);
}

function withSource(tables: string[], { startedAt, command, commit, machine }: BenchRecord): string {
  const source = `\`${command}\`, ${startedAt.slice(0, 10)}, commit ${commit}. ${machineLine(machine)}.`;
  return `\n${[...tables, source].join('\n')}\n\n`;
}

/** A single sample as it is; of several, the least and the greatest. */
function factText({ samples }: Measure): string {
  const text = (value: number) => (Number.isInteger(value) ? value.toLocaleString('en-US') : figureOf(value));
  const [least, most] = [Math.min(...samples), Math.max(...samples)];
  return least === most ? text(least) : `${text(least)} to ${text(most)}`;
}

function tableText(title: string, measures: readonly Measure[]): string {
  const { better } = measures[0]!;
  const conditions = [...new Set(measures.map(measure => measure.condition))];
  const subjects = [...new Set(measures.map(measure => measure.subject))];
  const cell = (subject: string, condition: string) => {
    const measure = measures.find(each => each.subject === subject && each.condition === condition);
    return measure === undefined ? '–' : cellText(measure);
  };
  return `${[
    `| ${title} (${better} is better) | ${conditions.map(condition => partsOf(condition)[0] || 'median').join(' | ')} |`,
    `| --- | ${conditions.map(() => '---').join(' | ')} |`,
    ...subjects.map(
      subject => `| ${subject} | ${conditions.map(condition => cell(subject, condition)).join(' | ')} |`,
    ),
  ].join('\n')}\n`;
}

/** The median, the least and the greatest. */
function cellText({ samples }: Measure): string {
  const [least, most] = [Math.min(...samples), Math.max(...samples)];
  return `**${figureOf(median(samples))}** (${figureOf(least)} to ${figureOf(most)})`;
}

function main(): void {
  for (const path of DOCUMENTS) {
    const text = readFileSync(join(ROOT, path), 'utf8');
    const changed = withFigures(text, readBenchRecord);
    if (changed !== text) writeFileSync(join(ROOT, path), changed);
    process.stdout.write(`${path}: ${changed === text ? 'as it was' : 'figures replaced'}\n`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();

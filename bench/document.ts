/**
 * `npm run document`: puts the figures of bench/results into the documents, so that nobody types one in. A document
 * says where with a pair of comments:
 *
 *     <!-- figures: peers -->
 *     … replaced …
 *     <!-- end of figures -->
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BenchRecord, type Measure, median } from './bench.ts';
import { machineLine } from './machine.ts';
import { figureOf } from './table.ts';

/** Compiled, this file lies one folder deeper. */
const ROOT = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '..' : '../..', import.meta.url));
export const DOCUMENTS = ['docs/benchmarking.md', 'docs/microsecond.md'];

const PLACE = /<!-- figures: ([\w-]+) -->\n[\s\S]*?<!-- end of figures -->/g;

/** The text with its figures replaced by those of the records, each asked for by name. */
export function withFigures(text: string, recordOf: (bench: string) => BenchRecord): string {
  return text.replace(
    PLACE,
    (_, bench: string) =>
      `<!-- figures: ${bench} -->\n${figuresText(recordOf(bench))}<!-- end of figures -->`,
  );
}

export function readBenchRecord(bench: string): BenchRecord {
  const path = `bench/results/${bench}.json`;
  const record = JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as BenchRecord;
  if (record.size !== 'full') throw new Error(`${path} is of a small run; its figures mean nothing`);
  return record;
}

/** One table a unit, a row a subject, a column a condition; then where the figures are from. */
export function figuresText(record: BenchRecord): string {
  const units = [...new Set(record.measures.map(measure => measure.unit))];
  const tables = units.map(unit => tableText(record.measures.filter(measure => measure.unit === unit)));
  const date = record.startedAt.slice(0, 10);
  const source = `\`${record.command}\`, ${date}, commit ${record.commit}. ${machineLine(record.machine)}.`;
  return `\n${[...tables, source].join('\n')}\n\n`;
}

function tableText(measures: readonly Measure[]): string {
  const { unit, better } = measures[0]!;
  const conditions = [...new Set(measures.map(measure => measure.condition))];
  const subjects = [...new Set(measures.map(measure => measure.subject))];
  const cell = (subject: string, condition: string) => {
    const measure = measures.find(each => each.subject === subject && each.condition === condition);
    return measure === undefined ? '–' : cellText(measure);
  };
  return `${[
    `| ${unit} (${better} is better) | ${conditions.map(condition => condition || 'median').join(' | ')} |`,
    `| --- | ${conditions.map(() => '---').join(' | ')} |`,
    ...subjects.map(
      subject => `| ${subject} | ${conditions.map(condition => cell(subject, condition)).join(' | ')} |`,
    ),
  ].join('\n')}\n`;
}

/** The median, and the least and the greatest. */
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

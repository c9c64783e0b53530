/** What was run and what was not: figures for each file, and the gaps, compared with those that are accepted. */
import type { Part } from './counts.ts';
import type { Gap } from './gaps.ts';

export interface Found extends Part {
  file: string;
}

export interface Figures {
  file: string;
  lines: number;
  linesRun: number;
  branches: number;
  branchesRun: number;
}

/** A line is run if every statement is that starts on it. */
export function figuresOf(file: string, found: readonly Found[]): Figures {
  const isStatement = ({ way }: Found) => way === '';
  const at = ({ file, line }: Found) => `${file}:${line}`;
  const lines = new Set(found.filter(isStatement).map(at));
  const linesNotRun = new Set(found.filter(part => isStatement(part) && !part.isRun).map(at));
  const branches = found.filter(part => !isStatement(part));
  return {
    file,
    lines: lines.size,
    linesRun: lines.size - linesNotRun.size,
    branches: branches.length,
    branchesRun: branches.filter(({ isRun }) => isRun).length,
  };
}

/** 100 only if nothing is missing. */
export function percent(part: number, whole: number): number {
  return whole === 0 ? 100 : Math.floor((part / whole) * 1_000) / 10;
}

export function tableText(rows: readonly Figures[]): string {
  const width = Math.max(...rows.map(({ file }) => file.length));
  const cell = (part: number, whole: number) =>
    `${percent(part, whole).toFixed(1).padStart(7)} %${`${part}/${whole}`.padStart(11)}`;
  const head = `${'file'.padEnd(width)}${'lines'.padStart(20)}${'branches'.padStart(20)}`;
  const texts = rows.map(
    ({ file, lines, linesRun, branches, branchesRun }) =>
      `${file.padEnd(width)}${cell(linesRun, lines)}${cell(branchesRun, branches)}`,
  );
  return [head, ...texts].join('\n');
}

/** What is wrong: parts that were not run and are not accepted, and accepted gaps that are none. */
export function mistakesOf(found: readonly Found[], gaps: readonly Gap[]): string[] {
  const namesOf = (parts: readonly Found[]) => new Set(parts.map(part => `${part.file}: ${nameOf(part)}`));
  const open = found.filter(part => !part.isRun && !hasStatements(part));
  const [all, notRun] = [namesOf(found), namesOf(open)];
  const accepted = gaps.flatMap(({ file, parts, isSometimesRun }) =>
    parts.map(part => ({ name: `${file}: ${part}`, isGap: isSometimesRun ? all : notRun })),
  );
  const unknown = open.filter(part => !accepted.some(({ name }) => name === `${part.file}: ${nameOf(part)}`));
  const wrong = accepted.filter(({ name, isGap }) => !isGap.has(name));
  return [
    ...unknown.map(part => `not run: ${part.file}:${part.line}: ${nameOf(part)}`),
    ...wrong.map(({ name }) => `accepted as not run, but run or gone: ${name}`),
  ];
}

/** What these ways run are statements, which are found themselves. */
const hasStatements = ({ way }: Part) => /^(?:then|else|case)/.test(way);

/** As a gap names it. */
export const nameOf = ({ text, way }: Part) => (way === '' ? text : `${text} (${way})`);

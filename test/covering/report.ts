/**
 * What was run and what was not: figures for each file, and the gaps, compared with those that are accepted.
 */
import type { Gap } from './gaps.ts';
import type { Part } from './parts.ts';

export interface Figures {
  file: string;
  lines: number;
  linesRun: number;
  branches: number;
  branchesRun: number;
}

export interface Found extends Part {
  file: string;
  isRun: boolean;
}

/** A line is run if every statement is that starts on it. */
export function figuresOf(file: string, found: readonly Found[]): Figures {
  const lines = new Map<number, boolean>();
  for (const { is, line, isRun } of found)
    if (is === 'statement') lines.set(line, (lines.get(line) ?? true) && isRun);
  const branches = found.filter(({ is }) => is === 'branch');
  return {
    file,
    lines: lines.size,
    linesRun: [...lines.values()].filter(isRun => isRun).length,
    branches: branches.length,
    branchesRun: branches.filter(({ isRun }) => isRun).length,
  };
}

export function sumOf(files: readonly Figures[]): Figures {
  const sum = (of: (figures: Figures) => number) => files.reduce((total, figures) => total + of(figures), 0);
  return {
    file: 'all files',
    lines: sum(({ lines }) => lines),
    linesRun: sum(({ linesRun }) => linesRun),
    branches: sum(({ branches }) => branches),
    branchesRun: sum(({ branchesRun }) => branchesRun),
  };
}

/** 100 only if nothing is missing. */
export function percent(part: number, whole: number): number {
  return whole === 0 ? 100 : Math.floor((part / whole) * 1_000) / 10;
}

export function tableText(rows: readonly Figures[]): string {
  const width = Math.max(...rows.map(({ file }) => file.length));
  const cell = (part: number, whole: number) =>
    `${percent(part, whole).toFixed(1).padStart(7)} %${`${part}/${whole}`.padStart(10)}`;
  return [
    `${'file'.padEnd(width)}${'lines'.padStart(19)}${'branches'.padStart(19)}`,
    ...rows.map(
      row =>
        `${row.file.padEnd(width)}${cell(row.linesRun, row.lines)}${cell(row.branchesRun, row.branches)}`,
    ),
  ].join('\n');
}

const same = (gap: Gap, part: Found) =>
  gap.file === part.file && gap.text === part.text && gap.way === part.way;

/** What is wrong: parts that were not run and are not accepted, and accepted gaps that are none. */
export function mistakesOf(found: readonly Found[], gaps: readonly Gap[]): string[] {
  const open = found.filter(part => !part.isRun);
  const unknown = open.filter(part => !gaps.some(gap => same(gap, part)));
  const closed = gaps.filter(gap => !gap.isSometimesRun && !open.some(part => same(gap, part)));
  const gone = gaps.filter(gap => gap.isSometimesRun && !found.some(part => same(gap, part)));
  return [
    ...unknown.map(part => `not run: ${part.file}:${part.line}${wayOf(part)}: ${part.text}`),
    ...closed.map(gap => `accepted as not run, but run, or gone: ${gap.file}${wayOf(gap)}: ${gap.text}`),
    ...gone.map(gap => `accepted as not run, but gone: ${gap.file}${wayOf(gap)}: ${gap.text}`),
  ];
}

const wayOf = ({ way }: { way: string }) => (way === '' ? '' : ` (${way})`);

/**
 * The matrix of pains: every pain on every subject that it applies to, one after the other, and the expected result.
 */
import { type Expected, expectedOf, STEPS, type Subject } from './manifest.ts';
import { ofStep } from './server.ts';
import { type Evidence, whyNot } from './witnesses/witness.ts';
import { witnessOf } from './witnesses/witnesses.ts';

export const SUBJECTS: readonly Subject[] = [...STEPS.map(step => step.number), 'src'];

export interface Pair {
  pain: number;
  step: Subject;
  expected: Expected;
}

export interface Row extends Pair {
  observed: Expected | 'undecided';
  evidence: Evidence;
  elapsedMs: number;
}

/** The pairs to examine, in order: of all pains, or of one. */
export function pairs(onlyPain?: number): Pair[] {
  const pains = STEPS.map(step => step.number).filter(pain => onlyPain === undefined || pain === onlyPain);
  return pains.flatMap(pain =>
    SUBJECTS.flatMap(step => {
      const expected = expectedOf(pain, step);
      return expected === undefined ? [] : [{ pain, step, expected }];
    }),
  );
}

export async function runPair({ pain, step, expected }: Pair): Promise<Row> {
  const startMs = performance.now();
  const row = async () => {
    try {
      const { isPresent, evidence } = await witnessOf(pain).run(ofStep(step), () => {});
      return { observed: isPresent ? ('present' as const) : ('absent' as const), evidence };
    } catch (error) {
      // No verdict: the server did not start, or ended during the witness.
      return { observed: 'undecided' as const, evidence: { error: whyNot(error) } };
    }
  };
  return { pain, step, expected, ...(await row()), elapsedMs: Math.round(performance.now() - startMs) };
}

/** The table has a row for each pain: `●` present, `·` absent, `!!!` not as expected, `…` under way. */
export function tableHead(): string {
  return `${''.padEnd(NAME_WIDTH)}${SUBJECTS.map(subject => String(subject).padStart(widthOf(subject))).join('')}`;
}

export function tableRow(pain: number, rows: readonly Row[], running?: Subject): string {
  const cells = SUBJECTS.map(subject => {
    const row = rows.find(({ step }) => step === subject);
    return (subject === running ? '…' : cellOf(row)).padStart(widthOf(subject));
  });
  return `${`${pain} ${STEPS[pain - 1]!.pain}`.padEnd(NAME_WIDTH)}${cells.join('')}`;
}

const NAME_WIDTH = 42;
/** Narrow, so that the table fits into 80 columns. */
const CELL_WIDTH = 3;

function widthOf(subject: Subject): number {
  return String(subject).length > 2 ? CELL_WIDTH + 1 : CELL_WIDTH;
}

function cellOf(row: Row | undefined): string {
  if (row === undefined) return '';
  if (row.observed !== row.expected) return '!!!';
  return row.observed === 'present' ? '●' : '·';
}

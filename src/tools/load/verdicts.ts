/** The verdicts by number, as they are counted for each reply, and which of them a line may have. */
import { Kind } from './kinds.ts';
import { VERDICTS, type Verdict } from './result.ts';

/** The number of a verdict: its place in VERDICTS. */
export const verdictNumber = Object.fromEntries(VERDICTS.map((name, index) => [name, index])) as Record<
  Verdict,
  number
>;
/** Not a reply of this protocol; perhaps an echo of the line. */
export const OTHER = -1;
/** The first line of a reply of two, which is ok. */
export const MORE = -2;
/** Refused, without a trace: the same event may be taken when it comes again. */
export const NOT_TAKEN = VERDICTS.length;

/** By kind of line: the verdicts it may have, as bits. */
const ALLOWED: number[] = [];
const bits = (...verdicts: Verdict[]) =>
  verdicts.reduce((sum, verdict) => sum | (1 << verdictNumber[verdict]), 0);
ALLOWED[Kind.event] = bits(...VERDICTS);
ALLOWED[Kind.wait] = bits('ok', 'busy', 'refused', 'insufficient', 'error', 'echoed');
ALLOWED[Kind.transfer] = ALLOWED[Kind.wait]!;
for (const kind of [Kind.balance, Kind.metrics, Kind.health])
  ALLOWED[kind] = bits('ok', 'busy', 'refused', 'error', 'echoed');
ALLOWED[Kind.garbage] = bits('error', 'echoed');

export function mayHave(kind: number, verdict: number): boolean {
  return (ALLOWED[kind]! & (1 << verdict)) !== 0;
}

/**
 * Whether the verdict tells what became of a line that was sent before. A refusal without a trace is of this copy
 * alone, and an error may be the answer to a part of it that came before the connection broke.
 */
export function isDecided(verdict: number): boolean {
  return verdict !== NOT_TAKEN && verdict !== verdictNumber.busy && verdict !== verdictNumber.error;
}

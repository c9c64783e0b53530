/**
 * What became of an event, in words.
 */
import { outcomeOf } from '../engine/deciding.ts';
import { ExtraKind } from '../engine/extra.ts';
import { Outcome } from '../protocol/outcome.ts';
import type { Rich } from './ledger.ts';

const REFUSED = {
  [Outcome.balanceOverflow]: 'balance_overflow',
  [Outcome.insufficientBalance]: 'insufficient_balance',
  [Outcome.idReused]: 'id_reused',
  [Outcome.serverBusy]: 'server_busy',
} as const;

export type PastOutcome = 'applied' | 'duplicate' | (typeof REFUSED)[keyof typeof REFUSED];

/** `to`: of a transfer, the index of who gets it. */
export function pastOf(answer: number, rich?: Rich): { outcome: PastOutcome; to: number | undefined } {
  const refused = REFUSED[outcomeOf(answer) as keyof typeof REFUSED] ?? 'applied';
  const to = rich === undefined || rich.kind === ExtraKind.event ? undefined : rich.other;
  return { outcome: rich?.isDuplicate === true ? 'duplicate' : refused, to };
}

/**
 * `{"type":"transfer","from":…,"to":…,"amount":…}`: moves an amount, as a whole or not at all.
 */
import type { Intake } from '../engine/intake.ts';
import { NO_ROOM } from '../engine/owners.ts';
import { Outcome } from '../protocol/outcome.ts';
import type { ParsedRequest } from '../protocol/request.ts';
import type { Answer } from './command.ts';

/** As `eventCommand`. */
export function transferCommand(
  engine: Intake,
  request: ParsedRequest,
  isLate: boolean,
  answer: Answer,
): boolean {
  const outcome = isLate ? engine.refuse(Outcome.shuttingDown) : engine.submitTransfer(request);
  if (outcome === NO_ROOM) return false;
  if (typeof outcome === 'number') answer.fixed(outcome);
  else answer.balanceAt(outcome, true);
  return true;
}

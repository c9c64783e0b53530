/**
 * `{"type":"balance","user":…}`: the balance after every event accepted before this request.
 */
import type { Intake } from '../engine/intake.ts';
import { balanceLine } from '../protocol/replies.ts';
import type { ParsedRequest } from '../protocol/request.ts';
import type { Answer } from './command.ts';

/** False if the user's worker has to be asked and its ring has no room now; then nothing was answered. */
export function balanceCommand(
  engine: Intake,
  request: ParsedRequest,
  answer: Answer,
  writes?: Float64Array,
): boolean {
  const balance = engine.readBalance(request, writes);
  if (balance !== undefined) {
    answer.line(balanceLine(balance));
    return true;
  }
  const position = engine.askBalance(request, writes);
  if (position === undefined) return false;
  answer.balanceAt(position);
  return true;
}

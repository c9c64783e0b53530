/**
 * An event that did not take the fast path: it wants the balance after it, it is not in the usual form, or the server
 * drains.
 */
import type { Intake } from '../engine/intake.ts';
import { NO_ROOM } from '../engine/owners.ts';
import { Outcome } from '../protocol/outcome.ts';
import { type ParsedRequest, Wants } from '../protocol/request.ts';
import type { Answer } from './command.ts';

/**
 * `isLate`: it was received after the server began to drain. False if it must wait for room in a ring; then nothing was
 * answered.
 */
export function eventCommand(engine: Intake, event: ParsedRequest, isLate: boolean, answer: Answer): boolean {
  const outcome = isLate ? engine.refuse(Outcome.shuttingDown) : submit(engine, event, answer.lines);
  if (outcome === NO_ROOM) return false;
  if (typeof outcome === 'number') answer.fixed(outcome);
  else answer.balanceAt(outcome);
  return true;
}

function submit(engine: Intake, event: ParsedRequest, line: number) {
  if (event.wants === 0) return engine.submit(event);
  return event.wants === Wants.id ? engine.submitPromised(event, line) : engine.submitAsking(event);
}

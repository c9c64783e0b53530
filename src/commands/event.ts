/**
 * An event that did not take the fast path: it wants the balance after it, it is not in the usual form, or the server
 * drains.
 */
import { type Engine, NO_ROOM } from '../engine/engine.ts';
import type { ParsedRequest } from '../protocol/request.ts';
import type { Answer } from './command.ts';

/**
 * `isLate`: it was received after the server began to drain. False if it must wait for room in a ring; then nothing was
 * answered.
 */
export function eventCommand(engine: Engine, event: ParsedRequest, isLate: boolean, answer: Answer): boolean {
  const outcome = isLate
    ? engine.refuseLate()
    : event.isWaiting
      ? engine.submitAsking(event)
      : engine.submit(event);
  if (outcome === NO_ROOM) return false;
  if (typeof outcome === 'number') answer.fixed(outcome);
  else answer.balanceAt(outcome);
  return true;
}

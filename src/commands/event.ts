/**
 * An event that did not take the fast path: it wants the balance behind it, it was written in another form, or the
 * server drains.
 */
import type { Engine } from '../engine/engine.ts';
import type { ParsedRequest } from '../protocol/request.ts';
import type { Answer } from './command.ts';

/** `isLate`: it came behind what is still served while the server drains. */
export function eventCommand(engine: Engine, event: ParsedRequest, isLate: boolean, answer: Answer): void {
  const outcome = isLate
    ? engine.refuseLate()
    : event.isWaiting
      ? engine.submitAsking(event)
      : engine.submit(event);
  if (typeof outcome === 'number') answer.fixed(outcome);
  else answer.balanceAt(outcome);
}

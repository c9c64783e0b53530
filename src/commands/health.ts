/**
 * `{"type":"health"}`: whether the server serves, drains, or lacks a worker.
 */
import type { Intake } from '../engine/intake.ts';
import { Reply } from '../protocol/replies.ts';
import type { Answer } from './command.ts';

export function healthCommand(engine: Intake, isDraining: boolean, answer: Answer): void {
  if (isDraining) answer.fixed(Reply.healthDraining);
  else answer.fixed(engine.workers.areAllReady ? Reply.ok : Reply.healthDegraded);
}

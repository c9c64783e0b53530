/**
 * `{"type":"health"}`: whether the server serves, drains, or lacks a worker.
 */
import type { Engine } from '../engine/engine.ts';
import { Reply } from '../protocol/replies.ts';
import type { Answer } from './command.ts';

export function healthCommand(engine: Engine, isDraining: boolean, answer: Answer): void {
  if (isDraining) answer.fixed(Reply.healthDraining);
  else answer.fixed(engine.workers.areAllReady ? Reply.ok : Reply.healthDegraded);
}

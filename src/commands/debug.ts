/**
 * `{"type":"debug","do":"freeze"}`, `thaw`, and `kill` or `crash` with `"worker":n`: for experiments and tests, if
 * the server allows them (`--debug-requests`).
 */
import type { Intake } from '../engine/intake.ts';
import { Reply } from '../protocol/replies.ts';
import type { Answer } from './command.ts';

/** `line` must be valid JSON. */
export function debugCommand(experiments: Intake['experiments'], line: string, answer: Answer): void {
  const request = JSON.parse(line) as { do?: unknown; worker?: unknown };
  const worker = typeof request.worker === 'number' ? request.worker : 0;
  switch (request.do) {
    case 'freeze':
      experiments.freeze(true);
      break;
    case 'thaw':
      experiments.freeze(false);
      break;
    case 'kill':
      experiments.kill(worker);
      break;
    case 'crash':
      experiments.crash(worker);
      break;
    default:
      answer.fixed(Reply.invalidEvent);
      return;
  }
  answer.fixed(Reply.ok);
}

/**
 * `{"type":"admin","do":…}`: administration, for who has the right `admin`. Where nobody says who they are, there is none.
 */
import type { Guard } from '../guard/guard.ts';
import { Reply } from '../protocol/replies.ts';
import type { Answer } from './command.ts';

/** `line` must be valid JSON. False if it takes its time; then nothing was answered. */
export function adminCommand(guard: Guard | undefined, line: string, answer: Answer): boolean {
  const reply = guard === undefined ? Reply.unknownType : guard.administer(line);
  if (reply === undefined) return false;
  if (typeof reply === 'string') answer.line(reply);
  else if (reply === Reply.ok || reply === Reply.diskFull || reply === Reply.shuttingDown)
    answer.fixed(reply);
  else answer.refuse(reply);
  return true;
}

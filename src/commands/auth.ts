/**
 * `{"type":"auth","token":"…"}`: says who the client is, where that is asked; elsewhere it is a courtesy.
 */
import type { Guard } from '../guard/guard.ts';
import { Reply } from '../protocol/replies.ts';
import { repeatedKey } from '../security/repeated-key.ts';
import type { Answer } from './command.ts';

/** `line` must be valid JSON. False if the token is still being verified; then nothing was answered. */
export function authCommand(guard: Guard | undefined, line: string, answer: Answer): boolean {
  const { token } = JSON.parse(line) as { token?: unknown };
  if (typeof token !== 'string' || token === '' || repeatedKey(line) !== undefined) {
    answer.refuse(Reply.invalidEvent);
    return true;
  }
  const reply = guard === undefined ? Reply.ok : guard.present(token);
  if (reply === undefined) return false;
  if (reply === Reply.ok) answer.fixed(reply);
  else answer.refuse(reply);
  return true;
}

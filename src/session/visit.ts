/**
 * One visit of a client: all its complete lines are served, and their replies leave in one write. Returns why it ended,
 * and whether a line did.
 */
import type { Guard } from '../guard/guard.ts';
import { Reply } from '../protocol/replies.ts';
import type { Stop } from './dispatch.ts';
import type { Framer } from './framer.ts';
import type { ReplyQueue } from './reply-queue.ts';
import { LITTLE_BYTES, SMALL_BYTES } from './scheduler.ts';
import type { Shared } from './shared.ts';

/** What of a session a visit uses. */
export class Visiting {
  readonly framer: Framer;
  readonly replies: ReplyQueue;
  readonly guard: Guard | undefined;
  /** Whether events in the usual form may take the fast path: not while the server drains. */
  mayFastSubmit: boolean;

  constructor(framer: Framer, replies: ReplyQueue, guard: Guard | undefined, mayFastSubmit: boolean) {
    this.framer = framer;
    this.replies = replies;
    this.guard = guard;
    this.mayFastSubmit = mayFastSubmit;
  }
}

/** Serves the input and the first `bytes` bytes of the chunk. */
export function visit(
  { dispatch, phase }: Shared,
  { framer, replies, guard, mayFastSubmit }: Visiting,
  bytes: number,
): { stop: Stop; hasEndedLine: boolean } {
  framer.lay(bytes);
  // Here, not where lines are served: V8 makes only so much code part of that loop.
  guard?.begin();
  const stop = dispatch.serve(framer, replies, phase, mayFastSubmit, guard);
  guard?.end();
  framer.hasLines = stop !== 'end';
  const { hasEndedLine, laidBytes } = framer;
  if (framer.isTooLong) {
    dispatch.refuse(guard?.isStranger ? Reply.unauthorized : Reply.lineTooLong);
    framer.skipLine();
  }
  framer.keepRest();
  dispatch.finish(replies);
  replies.flush(laidBytes, bytes > 0 ? SMALL_BYTES : LITTLE_BYTES);
  return { stop, hasEndedLine };
}

/**
 * What a command sees of the client: the place where its reply goes. Each command is a file of its own; it takes a
 * parsed request, asks the engine, and answers exactly once.
 */
import type { Position } from '../engine/position.ts';
import type { Reply } from '../protocol/replies.ts';

export interface Answer {
  /** One of the fixed replies. */
  fixed(reply: Reply): void;
  /** A line made for the occasion, of ASCII, with its line end. */
  line(line: string): void;
  /** The balance at a position, once that is reached. Later replies wait behind it. */
  balanceAt(position: Position): void;
}

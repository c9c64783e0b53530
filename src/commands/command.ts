/**
 * A command's interface to the client: where its reply goes. Each command is a separate file; it takes a parsed
 * request, asks the engine, and answers exactly once.
 */
import type { Position } from '../engine/position.ts';
import type { Reply } from '../protocol/replies.ts';

export interface Answer {
  /** The number that the next line has among those that wait for the same commit. */
  readonly lines: number;
  /** Answers with one of the fixed replies. */
  fixed(reply: Reply): void;
  /** Answers, and counts, an invalid line. */
  refuse(reply: Reply): void;
  /** Answers with another line, in ASCII, including its line end. */
  line(line: string): void;
  /** Answers with the balance at a position, when that is reached. Later replies wait behind it. */
  balanceAt(position: Position, isTransfer?: boolean): void;
}

/**
 * The ids of a run's events (`--ids`): what was sent and not answered is sent again with the same one, and counts once.
 *
 * An id is the run, the connection, and the number of the line on it. So a line has the same id however often it is
 * sent, no two lines have one in common, and nor do two runs of the same seed: their ids would be repeats for as long
 * as the server remembers them. All ids have the same length, so that a line of the script has a place for one.
 */
import { randomInt } from 'node:crypto';
import { ID_BYTES, type Script } from './script.ts';

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_';
const CODES = Uint8Array.from(DIGITS, digit => digit.charCodeAt(0));
const BASE = DIGITS.length;
const RUN_BYTES = 5;
const CONNECTION_BYTES = 3;

const NUMBER_AT = RUN_BYTES + CONNECTION_BYTES;
/** What stands behind the id in its line: it is the last field. */
const BEHIND_BYTES = '"}\n'.length;

/** One in 2^30. */
export function newRunId(): string {
  return digits(randomInt(BASE ** RUN_BYTES), RUN_BYTES);
}

/** Writes the ids of one connection, whose number is the run's own, over all threads. */
export class IdWriter {
  readonly #script: Script;
  readonly #head: Buffer;

  constructor(script: Script, runId: string, connection: number) {
    this.#script = script;
    this.#head = Buffer.from(runId + digits(connection, CONNECTION_BYTES));
  }

  /** A copy of the lines of the script from `line` up to, and not, `end`; the first is the connection's `number`-th. */
  linesWithIds(line: number, end: number, number: number): Buffer {
    const { bytes, starts, takesId } = this.#script;
    const from = starts[line]!;
    const copy = Buffer.from(bytes.subarray(from, starts[end]!));
    for (let at = line; at < end; at++)
      if (takesId[at] === 1)
        this.#write(copy, starts[at + 1]! - from - BEHIND_BYTES - ID_BYTES, number + at - line);
    return copy;
  }

  #write(bytes: Buffer, at: number, number: number): void {
    bytes.set(this.#head, at);
    let rest = number;
    for (let digit = at + ID_BYTES - 1; digit >= at + NUMBER_AT; digit--) {
      bytes[digit] = CODES[rest % BASE]!;
      rest = Math.floor(rest / BASE);
    }
  }
}

function digits(value: number, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest = Math.floor(rest / BASE))
    text = DIGITS[rest % BASE] + text;
  return text;
}

/**
 * The bytes of every reply, and how the replies of a visit become one buffer.
 *
 * Most replies are one of a few fixed lines, and usually many equal ones follow one another. So a run of equal
 * replies is only counted. If the replies of a visit are a single run, the result is a slice of a constant buffer
 * that repeats that line; otherwise the runs are copied into one buffer.
 */
import { Outcome } from './outcome.ts';

/** The fixed replies, by number; the first are the outcomes of an event, so an outcome is a reply. */
export const Reply = {
  ...Outcome,
  /** Of `health`, `auth` and whatever else just says yes. */
  ok: 9,
  healthDraining: 10,
  healthDegraded: 11,
  invalidJson: 12,
  invalidEvent: 13,
  unknownType: 14,
  lineTooLong: 15,
  tooManyConnections: 16,
  unauthorized: 17,
  forbidden: 18,
  // To administration.
  noSuchClient: 19,
  noJournal: 20,
  journalDamaged: 21,
} as const;
export type Reply = (typeof Reply)[keyof typeof Reply];

const LINES: Record<Reply, string> = {
  [Reply.accepted]: '{"status":"accepted"}\n',
  [Reply.serverBusy]: '{"status":"rejected","reason":"server_busy"}\n',
  [Reply.tooManyUsers]: '{"status":"rejected","reason":"too_many_users"}\n',
  [Reply.shuttingDown]: '{"status":"rejected","reason":"shutting_down"}\n',
  [Reply.diskFull]: '{"status":"rejected","reason":"disk_full"}\n',
  [Reply.balanceOverflow]: '{"status":"rejected","reason":"balance_overflow"}\n',
  [Reply.insufficientBalance]: '{"status":"rejected","reason":"insufficient_balance"}\n',
  [Reply.idReused]: '{"status":"rejected","reason":"id_reused"}\n',
  [Reply.rateLimited]: '{"status":"rejected","reason":"rate_limited"}\n',
  [Reply.ok]: '{"status":"ok"}\n',
  [Reply.healthDraining]: '{"status":"draining"}\n',
  [Reply.healthDegraded]: '{"status":"degraded"}\n',
  [Reply.invalidJson]: '{"status":"error","reason":"invalid_json"}\n',
  [Reply.invalidEvent]: '{"status":"error","reason":"invalid_event"}\n',
  [Reply.unknownType]: '{"status":"error","reason":"unknown_type"}\n',
  [Reply.lineTooLong]: '{"status":"error","reason":"line_too_long"}\n',
  [Reply.tooManyConnections]: '{"status":"rejected","reason":"too_many_connections"}\n',
  [Reply.unauthorized]: '{"status":"error","reason":"unauthorized"}\n',
  [Reply.forbidden]: '{"status":"error","reason":"forbidden"}\n',
  [Reply.noSuchClient]: '{"status":"error","reason":"no_such_client"}\n',
  [Reply.noJournal]: '{"status":"error","reason":"no_journal"}\n',
  [Reply.journalDamaged]: '{"status":"error","reason":"journal_damaged"}\n',
};

const REPEATS_BYTES = 65_536;
/** The longest run whose slice is kept for reuse. */
const SLICES_KEPT = 256;

/** A constant buffer that repeats one reply. */
class Repeats {
  readonly lineBytes: number;
  readonly #bytes: Buffer;
  /** Slices of short runs, made at first use: a client that sends line by line always gets the same one. */
  readonly #short: (Buffer | undefined)[] = [];

  constructor(line: string) {
    this.lineBytes = Buffer.byteLength(line);
    this.#bytes = Buffer.from(line.repeat(Math.floor(REPEATS_BYTES / this.lineBytes)), 'latin1');
  }

  holds(count: number): boolean {
    return count * this.lineBytes <= this.#bytes.length;
  }

  slice(count: number): Buffer {
    if (count > SLICES_KEPT) return this.#bytes.subarray(0, count * this.lineBytes);
    this.#short[count] ??= this.#bytes.subarray(0, count * this.lineBytes);
    return this.#short[count];
  }
}

export function replyLine(reply: Reply): Buffer {
  return Buffer.from(LINES[reply], 'latin1');
}

export function balanceLine(balance: number): string {
  return `{"status":"ok","balance":${balance}}\n`;
}

/** The replies of the current visit. The socket thread has one. */
export class Replies {
  readonly #allRepeats: (Repeats | undefined)[] = [];
  #copied = Buffer.allocUnsafe(REPEATS_BYTES * 2);
  #copiedBytes = 0;
  #copiedLines = 0;
  #run: Reply = Reply.accepted;
  #runCount = 0;
  #repeats = this.#repeatsOf(Reply.accepted);

  get bytes(): number {
    return this.#copiedBytes + this.#runCount * this.#repeats.lineBytes;
  }

  /** Lines since the last `take`. */
  get lines(): number {
    return this.#copiedLines + this.#runCount;
  }

  add(reply: Reply): void {
    if (reply !== this.#run || !this.#repeats.holds(this.#runCount + 1)) this.#startRun(reply);
    this.#runCount += 1;
  }

  /** Adds a line that is not fixed; ASCII only. */
  addLine(line: string): void {
    this.#copyRun();
    this.#reserve(line.length);
    this.#copiedBytes += this.#copied.write(line, this.#copiedBytes, 'latin1');
    this.#copiedLines += 1;
  }

  /** The replies so far as one buffer, which does not change any more; undefined if there are none. */
  take(): Buffer | undefined {
    if (this.#copiedBytes === 0) {
      if (this.#runCount === 0) return undefined;
      const slice = this.#repeats.slice(this.#runCount);
      this.#runCount = 0;
      return slice;
    }
    this.#copyRun();
    const taken = Buffer.allocUnsafe(this.#copiedBytes);
    this.#copied.copy(taken, 0, 0, this.#copiedBytes);
    this.#copiedBytes = 0;
    this.#copiedLines = 0;
    return taken;
  }

  #startRun(reply: Reply): void {
    this.#copyRun();
    this.#run = reply;
    this.#repeats = this.#repeatsOf(reply);
  }

  #repeatsOf(reply: Reply): Repeats {
    this.#allRepeats[reply] ??= new Repeats(LINES[reply]);
    return this.#allRepeats[reply];
  }

  #copyRun(): void {
    if (this.#runCount === 0) return;
    const slice = this.#repeats.slice(this.#runCount);
    this.#reserve(slice.length);
    this.#copied.set(slice, this.#copiedBytes);
    this.#copiedBytes += slice.length;
    this.#copiedLines += this.#runCount;
    this.#runCount = 0;
  }

  #reserve(bytes: number): void {
    if (this.#copiedBytes + bytes <= this.#copied.length) return;
    const grown = Buffer.allocUnsafe((this.#copiedBytes + bytes) * 2);
    this.#copied.copy(grown, 0, 0, this.#copiedBytes);
    this.#copied = grown;
  }
}

/**
 * The bytes of every reply, and how a visit's replies become one buffer.
 *
 * Most replies are one of a few fixed lines, and mostly the same one many times over. So a run of equal
 * replies is only counted; if a visit's replies are a single run, what is written is a view of a page that
 * repeats that line, prepared once and never changed. Otherwise the runs are copied together.
 */
import { Outcome } from './outcome.ts';

/** The fixed replies, by number; the first are the outcomes of an event, so an outcome is a reply. */
export const Reply = {
  ...Outcome,
  healthOk: 5,
  healthDraining: 6,
  healthDegraded: 7,
  invalidJson: 8,
  invalidEvent: 9,
  unknownType: 10,
  lineTooLong: 11,
} as const;
export type Reply = (typeof Reply)[keyof typeof Reply];

const LINES: Record<Reply, string> = {
  [Reply.accepted]: '{"status":"accepted"}\n',
  [Reply.serverBusy]: '{"status":"rejected","reason":"server_busy"}\n',
  [Reply.tooManyUsers]: '{"status":"rejected","reason":"too_many_users"}\n',
  [Reply.shuttingDown]: '{"status":"rejected","reason":"shutting_down"}\n',
  [Reply.balanceOverflow]: '{"status":"rejected","reason":"balance_overflow"}\n',
  [Reply.healthOk]: '{"status":"ok"}\n',
  [Reply.healthDraining]: '{"status":"draining"}\n',
  [Reply.healthDegraded]: '{"status":"degraded"}\n',
  [Reply.invalidJson]: '{"status":"error","reason":"invalid_json"}\n',
  [Reply.invalidEvent]: '{"status":"error","reason":"invalid_event"}\n',
  [Reply.unknownType]: '{"status":"error","reason":"unknown_type"}\n',
  [Reply.lineTooLong]: '{"status":"error","reason":"line_too_long"}\n',
};

const PAGE_BYTES = 65_536;
/** Replies in the longest run whose view is kept for the next time. */
const VIEWS_KEPT = 256;

/** A reply repeated until a page is full. */
class Page {
  readonly lineBytes: number;
  readonly #bytes: Buffer;
  /** Views of short runs, made when first needed: a client that sends line by line gets the same one again. */
  readonly #short: (Buffer | undefined)[] = [];

  constructor(line: string) {
    this.lineBytes = Buffer.byteLength(line);
    this.#bytes = Buffer.from(line.repeat(Math.floor(PAGE_BYTES / this.lineBytes)), 'latin1');
  }

  holds(count: number): boolean {
    return count * this.lineBytes <= this.#bytes.length;
  }

  view(count: number): Buffer {
    if (count > VIEWS_KEPT) return this.#bytes.subarray(0, count * this.lineBytes);
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

/** The replies of the visit under way. One serves the whole socket thread. */
export class Replies {
  readonly #pages: (Page | undefined)[] = [];
  #copied = Buffer.allocUnsafe(PAGE_BYTES * 2);
  #copiedBytes = 0;
  #run: Reply = Reply.accepted;
  #runCount = 0;
  #page = this.#pageOf(Reply.accepted);

  get bytes(): number {
    return this.#copiedBytes + this.#runCount * this.#page.lineBytes;
  }

  add(reply: Reply): void {
    if (reply !== this.#run || !this.#page.holds(this.#runCount + 1)) this.#startRun(reply);
    this.#runCount += 1;
  }

  /** A line made for the occasion, of ASCII. */
  addLine(line: string): void {
    this.#copyRun();
    this.#reserve(line.length);
    this.#copiedBytes += this.#copied.write(line, this.#copiedBytes, 'latin1');
  }

  /** The replies so far as one buffer, which nobody will change; undefined if there are none. */
  take(): Buffer | undefined {
    if (this.#copiedBytes === 0) {
      if (this.#runCount === 0) return undefined;
      const view = this.#page.view(this.#runCount);
      this.#runCount = 0;
      return view;
    }
    this.#copyRun();
    const taken = Buffer.allocUnsafe(this.#copiedBytes);
    this.#copied.copy(taken, 0, 0, this.#copiedBytes);
    this.#copiedBytes = 0;
    return taken;
  }

  #startRun(reply: Reply): void {
    this.#copyRun();
    this.#run = reply;
    this.#page = this.#pageOf(reply);
  }

  #pageOf(reply: Reply): Page {
    this.#pages[reply] ??= new Page(LINES[reply]);
    return this.#pages[reply];
  }

  #copyRun(): void {
    if (this.#runCount === 0) return;
    const view = this.#page.view(this.#runCount);
    this.#reserve(view.length);
    this.#copied.set(view, this.#copiedBytes);
    this.#copiedBytes += view.length;
    this.#runCount = 0;
  }

  #reserve(bytes: number): void {
    if (this.#copiedBytes + bytes <= this.#copied.length) return;
    const grown = Buffer.allocUnsafe((this.#copiedBytes + bytes) * 2);
    this.#copied.copy(grown, 0, 0, this.#copiedBytes);
    this.#copied = grown;
  }
}

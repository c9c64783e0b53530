/**
 * The server's log: readable lines on a terminal, JSON lines elsewhere, always on standard output.
 *
 * `listening`, `reloaded` and `stopped` are logged at every level: programs wait for them, and read the ledger in the
 * last. Events and refusals are not logged one by one, but counted. So are lines that come while too many wait for the
 * reader already: `log_dropped` says how many.
 */
import { styleText } from 'node:util';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';
export type LogFormat = 'auto' | 'text' | 'json';

type Fields = Record<string, unknown>;

export const LOG_LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug'];
const COLOURS = { error: 'red', warn: 'yellow', info: 'cyan', debug: 'gray' } as const;

/** Read at every log call. */
export interface LogSettings {
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

/** What the log needs of a stream. The server's is an `Output`, which never blocks. */
export type LogStream = Pick<NodeJS.WriteStream, 'isTTY' | 'write' | 'writableNeedDrain'> & {
  readonly isWritten?: boolean;
  on(event: 'error' | 'drain', listener: () => void): unknown;
};

export class Log {
  readonly #settings: LogSettings;
  readonly #stream: LogStream;
  readonly #hasColour: boolean;
  #dropped = 0;

  constructor(settings: LogSettings, stream: LogStream, hasColour = false) {
    this.#settings = settings;
    this.#stream = stream;
    this.#hasColour = hasColour;
    // The reader of the log has gone (`tally serve | head -1`): the server continues.
    stream.on('error', () => {});
    stream.on('drain', () => this.#sayDropped());
  }

  get isText(): boolean {
    const { logFormat } = this.#settings;
    return logFormat === 'text' || (logFormat === 'auto' && this.#stream.isTTY);
  }

  error(event: string, fields: Fields, text: string): void {
    this.#log('error', event, fields, text);
  }

  warn(event: string, fields: Fields, text: string): void {
    this.#log('warn', event, fields, text);
  }

  info(event: string, fields: Fields, text: string): void {
    this.#log('info', event, fields, text);
  }

  debug(event: string, fields: Fields, text: string): void {
    this.#log('debug', event, fields, text);
  }

  /** Logged at every level, as `info`. */
  note(event: string, fields: Fields, text: string): void {
    this.#unlessFull('info', event, fields, text);
  }

  /** Logged at every level, and never dropped: the text as it is on a terminal, the fields elsewhere. */
  announce(event: string, fields: Fields, text: string): void {
    this.#sayDropped();
    this.#write('info', event, fields, text);
  }

  /** Whether nothing waits for the reader any more. */
  get isWritten(): boolean {
    return this.#stream.isWritten ?? true;
  }

  style(format: Parameters<typeof styleText>[0], text: string): string {
    return this.#hasColour ? styleText(format, text, { validateStream: false }) : text;
  }

  /** A text as other lines have it: behind its time and its level. */
  timed(level: LogLevel, text: string): string {
    const time = new Date().toISOString().slice(11, 23);
    return `${this.style('gray', time)} ${this.style(COLOURS[level], level.padEnd(5))} ${text}`;
  }

  #log(level: LogLevel, event: string, fields: Fields, text: string): void {
    if (LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(this.#settings.logLevel))
      this.#unlessFull(level, event, fields, text);
  }

  #unlessFull(level: LogLevel, event: string, fields: Fields, text: string): void {
    if (this.#stream.writableNeedDrain) this.#dropped += 1;
    else this.#write(level, event, fields, this.timed(level, text));
  }

  #sayDropped(): void {
    const lines = this.#dropped;
    if (lines === 0) return;
    this.#dropped = 0;
    const text = `${lines} lines of this log are missing here: too many waited for their reader`;
    this.#write('warn', 'log_dropped', { lines }, this.timed('warn', text));
  }

  #write(level: LogLevel, event: string, fields: Fields, text: string): void {
    const time = new Date().toISOString();
    this.#stream.write(`${this.isText ? text : JSON.stringify({ event, level, time, ...fields })}\n`);
  }
}

/** A whole number as people read it: `1,234,567`. (What Intl would do takes 12 ms of processor time the first time.) */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

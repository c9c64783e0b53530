/**
 * The server's log: readable lines on a terminal, JSON lines elsewhere, always on standard output.
 *
 * `listening` and `stopped` are logged at every level: programs wait for the first and read the ledger in the second.
 * Events and refusals are not logged one by one, but counted.
 */
import { styleText } from 'node:util';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';
export type LogFormat = 'auto' | 'text' | 'json';

type Fields = Record<string, unknown>;

const LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug'];
const COLOURS = { error: 'red', warn: 'yellow', info: 'cyan', debug: 'gray' } as const;

/** Read at every log call. */
export interface LogSettings {
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

export class Log {
  readonly #settings: LogSettings;
  readonly #stream: NodeJS.WriteStream;
  readonly #hasColour: boolean;

  constructor(settings: LogSettings, stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv) {
    this.#settings = settings;
    this.#stream = stream;
    this.#hasColour = stream.isTTY && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
    // The reader of the log has gone (`tally serve | head -1`): the server continues.
    stream.on('error', () => {});
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

  /** Logged at every level: the text on a terminal, the fields elsewhere. */
  announce(event: string, fields: Fields, text: string): void {
    this.#stream.write(`${this.isText ? text : JSON.stringify({ event, ...fields })}\n`);
  }

  style(format: Parameters<typeof styleText>[0], text: string): string {
    return this.#hasColour ? styleText(format, text, { validateStream: false }) : text;
  }

  #log(level: LogLevel, event: string, fields: Fields, text: string): void {
    if (LEVELS.indexOf(level) > LEVELS.indexOf(this.#settings.logLevel)) return;
    const time = new Date().toISOString();
    const line = `${this.style('gray', time.slice(11, 23))} ${this.style(COLOURS[level], level.padEnd(5))} ${text}`;
    this.announce(event, { level, time, ...fields }, line);
  }
}

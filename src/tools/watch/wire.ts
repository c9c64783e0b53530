/** A connection over which questions are asked, and answered in their order. It keeps no bytes that were answered. */
import { connect, type Socket } from 'node:net';

/** There is nobody, or nobody any more. */
export class WireError extends Error {}

/** No reply of the protocol is longer. */
const REPLY_CHARACTERS_MAX = 1 << 16;

interface Question {
  resolve: (reply: string) => void;
  reject: (error: Error) => void;
}

export class Wire {
  readonly #socket: Socket;
  #questions: Question[] = [];
  #rest = '';
  #end: WireError | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1').on('data', (text: string) => this.#read(text));
    socket.on('error', ({ code, message }: NodeJS.ErrnoException) => this.#fail(code ?? message));
    socket.on('end', () => this.#fail('it hung up'));
    socket.on('close', () => this.#fail('it hung up'));
  }

  /** Throws `WireError`. */
  static open(host: string, port: number, limitMs: number): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true });
      const fail = (why: string) => {
        clearTimeout(timer);
        socket.destroy();
        reject(new WireError(why));
      };
      const timer = setTimeout(() => fail(`no connection within ${limitMs} ms`), limitMs);
      const onError = ({ code, message }: NodeJS.ErrnoException) => fail(code ?? message);
      socket.on('error', onError);
      socket.on('connect', () => {
        clearTimeout(timer);
        socket.off('error', onError);
        resolve(new Wire(socket));
      });
    });
  }

  get isOpen(): boolean {
    return this.#end === undefined;
  }

  /** The reply to a line. Throws `WireError` when the connection ends before it. */
  ask(line: string): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined) return reject(this.#end);
      this.#questions.push({ resolve, reject });
      this.#socket.write(`${line}\n`);
    });
  }

  close(): void {
    this.#fail('closed');
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) this.#questions.shift()?.resolve(line);
    if (this.#rest.length > REPLY_CHARACTERS_MAX) this.#fail('its reply has no end');
  }

  #fail(why: string): void {
    if (this.#end !== undefined) return;
    this.#end = new WireError(why);
    this.#socket.destroy();
    for (const { reject } of this.#questions.splice(0)) reject(this.#end);
  }
}

/**
 * A TCP client that sends given bytes and returns received lines. It knows nothing of the protocol, but for saying who it
 * is where that is asked, so that witnesses, checks and tests can send anything.
 */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type Credentials, NO_CREDENTIALS } from './credentials.ts';
import { checkLetIn, dial, openedEvent, type Target, tokenLine } from './dialling.ts';
import { within } from './waiting.ts';

/** The other side has ended the connection, or reset it: then its error is the cause. */
export class HungUp extends Error {}
export class TooLate extends Error {}

export interface Manners {
  /** Stays open when the other side has ended, until it is closed. */
  isHalfOpen?: boolean;
  /** Drops lines that come while no request waits for one: they answer nothing, and must not pile up. */
  dropsUnasked?: boolean;
  /** Hangs up on a line that is longer. */
  lineCharactersMax?: number;
}

const LIMIT_MS = 10_000;

interface Waiting {
  resolve(line: string): void;
  reject(error: Error): void;
}

export class Client {
  readonly socket: Socket;
  /** Bytes received and not taken yet, a character a byte. */
  received = '';
  /** When the last bytes came, on the clock of `performance.now()`. */
  receivedAtMs = 0;
  /** The other side has ended or reset the connection. */
  isEnded = false;
  error: NodeJS.ErrnoException | undefined;
  /** Several may wait for lines at a time; they get them in the order in which they asked. */
  readonly #waiting: Waiting[] = [];
  readonly #ended: Promise<true>;

  private constructor(
    socket: Socket,
    { dropsUnasked = false, lineCharactersMax = Number.POSITIVE_INFINITY }: Manners,
  ) {
    this.socket = socket;
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.received += text;
      this.receivedAtMs = performance.now();
      this.#handOut();
      if (dropsUnasked && this.#waiting.length === 0)
        this.received = this.received.slice(this.received.lastIndexOf('\n') + 1);
      if (this.received.length > lineCharactersMax && this.#restLength > lineCharactersMax)
        socket.destroy(new Error('its reply has no end'));
    });
    socket.on('error', error => {
      this.error = error;
    });
    this.#ended = new Promise(resolve => {
      for (const event of ['end', 'close'])
        socket.on(event, () => {
          this.isEnded = true;
          this.#handOut();
          resolve(true);
        });
    });
  }

  static open(port: number, host = '127.0.0.1', limitMs = LIMIT_MS, manners: Manners = {}): Promise<Client> {
    return Client.reach({ port, host }, NO_CREDENTIALS, limitMs, manners);
  }

  /** Opens a connection, shakes hands and presents the token, if there is one: throws a `NotLetIn` if it is not taken. */
  static async reach(
    target: Target,
    credentials: Credentials,
    limitMs = LIMIT_MS,
    manners: Manners = {},
  ): Promise<Client> {
    const { token } = credentials;
    const endMs = performance.now() + limitMs;
    const client = await Client.#connected(target, credentials, limitMs, manners);
    if (token === undefined) return client;
    try {
      checkLetIn(await client.ask(tokenLine(token), endMs - performance.now()));
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  static async #connected(
    target: Target,
    credentials: Credentials,
    limitMs: number,
    manners: Manners,
  ): Promise<Client> {
    const socket = dial(target, credentials, { allowHalfOpen: manners.isHalfOpen ?? true });
    const timer = setTimeout(
      () => socket.destroy(new TooLate(`no connection within ${limitMs} ms`)),
      limitMs,
    );
    try {
      await once(socket, openedEvent(credentials));
    } finally {
      clearTimeout(timer);
    }
    return new Client(socket, manners);
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Nothing more will be sent; replies may still come. */
  end(): void {
    this.socket.end();
  }

  close(): void {
    this.socket.destroy();
  }

  /** A reset instead of an orderly end. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** The next line, without its newline. Throws `HungUp` or `TooLate` if there is none. */
  line(limitMs = LIMIT_MS): Promise<string> {
    return new Promise((resolve, reject) => {
      const late = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(new TooLate(`nothing came within ${Math.round(limitMs)} ms`));
      };
      const timer = Number.isFinite(limitMs) ? setTimeout(late, Math.max(0, limitMs)) : undefined;
      const waiting = {
        resolve(line: string) {
          clearTimeout(timer);
          resolve(line);
        },
        reject(error: Error) {
          clearTimeout(timer);
          reject(error);
        },
      };
      this.#waiting.push(waiting);
      this.#handOut();
    });
  }

  async lines(count: number, limitMs = LIMIT_MS): Promise<string[]> {
    const endMs = performance.now() + limitMs;
    const lines: string[] = [];
    try {
      while (lines.length < count) lines.push(await this.line(endMs - performance.now()));
    } catch (error) {
      (error as Error).message += `, after ${lines.length} of ${count} lines`;
      throw error;
    }
    return lines;
  }

  /** Sends a request as it is, and resolves to the next line. */
  ask(request: string, limitMs?: number): Promise<string> {
    this.send(request);
    return this.line(limitMs);
  }

  /** Waits until the other side has ended the connection, however it did. */
  async over(limitMs = LIMIT_MS): Promise<void> {
    if ((await within(limitMs, this.#ended)) === undefined)
      throw new TooLate(`the server has not hung up within ${limitMs} ms`);
  }

  /** Sends nothing more, waits for the end, and resolves to all that came and was not taken. */
  async finish(limitMs?: number): Promise<string> {
    this.end();
    await this.over(limitMs);
    const rest = this.received;
    this.received = '';
    return rest;
  }

  /** Of a line whose end has not come. */
  get #restLength(): number {
    return this.received.length - this.received.lastIndexOf('\n') - 1;
  }

  #handOut(): void {
    while (this.#waiting.length > 0) {
      const end = this.received.indexOf('\n');
      if (end < 0) break;
      const line = this.received.slice(0, end);
      this.received = this.received.slice(end + 1);
      this.#waiting.shift()!.resolve(line);
    }
    if (!this.isEnded) return;
    for (const { reject } of this.#waiting.splice(0))
      reject(new HungUp('the server hung up', { cause: this.error }));
  }
}

/** Sends bytes, then nothing more, and resolves to all that came, as text in UTF-8. */
export async function exchange(port: number, bytes: string | Uint8Array): Promise<string> {
  const client = await Client.open(port);
  client.send(bytes);
  return Buffer.from(await client.finish(), 'latin1').toString();
}

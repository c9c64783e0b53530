/** A TCP client that sends what it is told and keeps what comes, for witnesses and checks. It knows bytes and lines only. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export class HungUp extends Error {}
export class TooLate extends Error {}

export class Client {
  readonly socket: Socket;
  /** All that came, as text; replies are ASCII. */
  received = '';
  /** When the last bytes came, on the clock of `performance.now()`. */
  receivedAtMs = 0;
  /** The other side has ended or reset the connection. */
  isOver = false;
  error: NodeJS.ErrnoException | undefined;
  #taken = 0;
  /** Several may wait for replies at a time; they get them in the order in which they asked. */
  #waiting: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', bytes => {
      this.received += bytes.toString('latin1');
      this.receivedAtMs = performance.now();
      this.#wake();
    });
    socket.on('error', error => {
      this.error = error;
    });
    for (const event of ['end', 'close'])
      socket.on(event, () => {
        this.isOver = true;
        this.#wake();
      });
  }

  static async open(port: number, host = '127.0.0.1', limitMs = 5_000): Promise<Client> {
    const socket = connect({ port, host, noDelay: true, allowHalfOpen: true });
    const timer = setTimeout(() => socket.destroy(new TooLate(`no connection after ${limitMs} ms`)), limitMs);
    try {
      await once(socket, 'connect');
    } finally {
      clearTimeout(timer);
    }
    return new Client(socket);
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Nothing more will be sent; replies may still come. */
  finish(): void {
    this.socket.end();
  }

  close(): void {
    this.socket.destroy();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** The next reply, without its newline. Throws `HungUp` or `TooLate` if there is none. */
  async line(limitMs = 5_000): Promise<string> {
    let end = this.received.indexOf('\n', this.#taken);
    const endMs = performance.now() + limitMs;
    while (end < 0) {
      if (this.isOver) throw new HungUp('the server hung up');
      await this.#news(endMs, limitMs);
      end = this.received.indexOf('\n', this.#taken);
    }
    const line = this.received.slice(this.#taken, end);
    this.#taken = end + 1;
    return line;
  }

  async lines(count: number, limitMs = 5_000): Promise<string[]> {
    const endMs = performance.now() + limitMs;
    const lines: string[] = [];
    while (lines.length < count) lines.push(await this.line(Math.max(0, endMs - performance.now())));
    return lines;
  }

  async ask(line: string, limitMs?: number): Promise<string> {
    this.send(`${line}\n`);
    return this.line(limitMs);
  }

  /** Waits until the server has ended the connection, however it did. */
  async over(limitMs = 5_000): Promise<void> {
    const endMs = performance.now() + limitMs;
    while (!this.isOver) await this.#news(endMs, limitMs);
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  #news(endMs: number, limitMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new TooLate(`nothing came within ${Math.round(limitMs)} ms`)),
        Math.max(0, endMs - performance.now()),
      );
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

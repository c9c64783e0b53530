/**
 * A client for tests: raw bytes out, reply lines in.
 */
import { connect, type Socket } from 'node:net';

export const ACCEPTED = '{"status":"accepted"}';
export const BUSY = '{"status":"rejected","reason":"server_busy"}';
export const SHUTTING_DOWN = '{"status":"rejected","reason":"shutting_down"}';
export const okLine = (balance: number) => `{"status":"ok","balance":${balance}}`;
export const buyLine = (user: string, amount: number) =>
  `{"user":"${user}","action":"buy","amount":${amount}}\n`;
export const sellLine = (user: string, amount: number) =>
  `{"user":"${user}","action":"sell","amount":${amount}}\n`;
export const balanceRequest = (user: string) => `{"type":"balance","user":"${user}"}\n`;

export class Client {
  readonly socket: Socket;
  /** Reply lines not yet taken by `lines`, without their line ends. */
  readonly #lines: string[] = [];
  #partial = '';
  #isEnded = false;
  #error: Error | undefined;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: unknown) => {
      const lines = (this.#partial + (text as string)).split('\n');
      this.#partial = lines.pop()!;
      this.#lines.push(...lines);
      this.#wake();
    });
    socket.on('error', error => {
      this.#error = error;
    });
    socket.on('close', () => {
      this.#isEnded = true;
      this.#wake();
    });
    socket.on('end', () => {
      this.#isEnded = true;
      this.#wake();
    });
  }

  static open(port: number, host = '127.0.0.1'): Promise<Client> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host, noDelay: true, allowHalfOpen: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new Client(socket));
      });
    });
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  get error(): Error | undefined {
    return this.#error;
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The next `count` reply lines; fails if the server hangs up first, or after the deadline. */
  async lines(count: number, deadlineMs = 10_000): Promise<string[]> {
    const endMs = performance.now() + deadlineMs;
    while (this.#lines.length < count) {
      if (this.#isEnded)
        throw new Error(`the server hung up after ${this.#lines.length} of ${count} replies`);
      await this.#changed(endMs, `${this.#lines.length} of ${count} replies after ${deadlineMs} ms`);
    }
    return this.#lines.splice(0, count);
  }

  async line(): Promise<string> {
    return (await this.lines(1))[0]!;
  }

  async ask(request: string): Promise<string> {
    this.send(request);
    return this.line();
  }

  /** Shuts down the sending side; everything the server says from here on, as it came. */
  async finish(deadlineMs = 10_000): Promise<string> {
    const endMs = performance.now() + deadlineMs;
    this.socket.end();
    while (!this.#isEnded) await this.#changed(endMs, `no end after ${deadlineMs} ms`);
    const lines = this.#lines.splice(0);
    return lines.map(line => `${line}\n`).join('') + this.#partial;
  }

  close(): void {
    this.socket.destroy();
  }

  /** A reset instead of an orderly end. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  #changed(endMs: number, complaint: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(complaint)), Math.max(0, endMs - performance.now()));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Sends bytes, shuts down the sending side, and gives back all that came. */
export async function exchange(port: number, bytes: string | Uint8Array): Promise<string> {
  const client = await Client.open(port);
  client.send(bytes);
  return client.finish();
}

/** Waits until a condition holds. */
export async function until(
  isReached: () => boolean | Promise<boolean>,
  what: string,
  deadlineMs = 10_000,
): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!(await isReached())) {
    if (performance.now() > endMs) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

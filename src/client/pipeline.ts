/**
 * Requests on one connection at a time, which is opened again when it is lost. Replies come in the order of requests, so
 * the state of a request is the queue that it is in (sets, since deadlines take requests out of their midst):
 *     waiting ──> sent ──> settled       and when the connection is lost, or the server busy: sent ──> again ──> sent
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { type Fields, isError, isHealth, PASSING, REFUSALS } from './replies.ts';

export const DEFAULTS = {
  ...{ host: '127.0.0.1', port: 7878 },
  /** Sent, and without a reply; further ones wait in this process. */
  requestsMax: 1_024,
  /** From the call of a method to the end of all tries. */
  deadlineMs: 30_000,
  /** A connection is given up if nothing moves for so long, though a reply is due. */
  silenceMs: 10_000,
  /** Whether what passes (`server_busy` and the like) is not returned, but asked again until the deadline. */
  retries: true,
  /** If these are given: options of `tls.connect`, and what is presented first on every connection. */
  tls: undefined as ConnectionOptions | undefined,
  token: undefined as string | undefined,
};
interface Request {
  line: string;
  fits: typeof isError;
  resolve(reply: Fields): void;
  /** Undefined when it is settled, as it may be in `sent`, where it keeps its turn. */
  deadline?: NodeJS.Timeout | undefined;
  /** It went into a connection that was lost, from which the server may take it still. */
  isInDoubt?: boolean;
}

const REPLY_CHARACTERS_MAX = 65_536;
export class Pipeline {
  readonly options: typeof DEFAULTS;
  lastError: Error | undefined;
  readonly #hello = new Set<Request>();
  readonly #waiting = new Set<Request>();
  readonly #sent = new Set<Request>();
  readonly #again = new Set<Request>();
  #unsettled = 0;
  #socket: Socket | undefined;
  #isOpen = false;
  #flushing: NodeJS.Immediate | undefined;
  #isPausing = false;
  #pauses = 0;
  #isClosed = false;

  constructor(options: typeof DEFAULTS) {
    this.options = options;
  }

  /** A reply that fits, or an error: the server's, or at the deadline, `outcome_unknown` or `not_done`. */
  ask(line: string, fits: Request['fits'], deadlineMs: number): Promise<Fields> {
    return new Promise(resolve => {
      if (this.#isClosed) throw new Error('the client is closed');
      const request: Request = { line, fits, resolve };
      request.deadline = setTimeout(() => {
        const reason = request.isInDoubt || this.#sent.has(request) ? 'outcome_unknown' : 'not_done';
        for (const queue of [this.#waiting, this.#again]) queue.delete(request);
        this.#settle(request, { status: 'error', reason });
      }, deadlineMs);
      this.#unsettled += 1;
      this.#waiting.add(request);
      this.#flush();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    while (this.#unsettled > 0) await sleep(5);
    this.#socket?.destroy();
  }

  /** Writes at once what was asked for in this turn of the event loop. */
  #flush(): void {
    this.#flushing ??= setImmediate(() => {
      this.#flushing = undefined;
      if (this.#isPausing || this.#again.size + this.#waiting.size === 0) return;
      this.#socket ??= this.#open();
      if (!this.#isOpen || this.#socket.destroyed || this.#socket.writableNeedDrain) return;
      let text = '';
      for (const queue of [this.#hello, this.#again, this.#waiting])
        for (const request of queue) {
          if (this.#sent.size >= this.options.requestsMax) break;
          queue.delete(request);
          this.#sent.add(request);
          text += request.line;
        }
      if (text !== '') this.#socket.write(text);
    });
  }

  #open(): Socket {
    const { host, port, silenceMs, tls, token } = this.options;
    // Nobody waits for its reply: if it is refused, so is what comes behind it.
    const line = `${JSON.stringify({ type: 'auth', token })}\n`;
    const socket = tls ? connectTls({ host, port, ...tls }) : connect({ host, port });
    socket.setNoDelay(true).setEncoding('utf8').setTimeout(silenceMs);
    let rest = '';
    socket.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      const turns = this.#sent.values();
      try {
        for (const line of lines) this.#answer(turns.next().value, Object(JSON.parse(line)));
        if (rest.length > REPLY_CHARACTERS_MAX) throw new Error('a reply has no end');
      } catch (error) {
        socket.destroy(error as Error);
      }
      this.#flush();
    });
    socket.on('end', () => socket.destroy(new Error('the server ended the connection')));
    socket.on('timeout', () => {
      if (!this.#isOpen || this.#sent.size > 0) socket.destroy(new Error(`silent for ${silenceMs} ms`));
    });
    socket.on('error', () => {}).on('drain', () => this.#flush());
    socket.on('close', () => {
      this.lastError = socket.errored ?? this.lastError;
      this.#socket = undefined;
      this.#isOpen = false;
      for (const request of this.#sent) {
        request.isInDoubt = true;
        if (request.deadline !== undefined) this.#again.add(request);
      }
      this.#sent.clear();
      if (this.#unsettled > 0) void this.#pause();
    });
    return socket.on(tls ? 'secureConnect' : 'connect', () => {
      this.#isOpen = true;
      if (token !== undefined) this.#hello.add({ line, fits: isHealth, resolve: () => {} });
      this.#flush();
    });
  }

  #answer(request: Request | undefined, reply: Fields): void {
    if (request === undefined || !(isError(reply) || request.fits(reply)))
      throw new Error(`no reply to anything: ${JSON.stringify(reply).slice(0, 200)}`);
    this.#sent.delete(request);
    if (request.deadline === undefined) return;
    // A refusal says nothing of what may still be taken from a lost connection.
    const retried = request.isInDoubt ? REFUSALS : this.options.retries ? PASSING : [];
    if (retried.includes(reply.reason)) {
      this.lastError = new Error(`${reply.reason}`);
      this.#again.add(request);
      return void this.#pause();
    }
    this.#pauses = 0;
    this.#settle(request, reply);
  }

  #settle(request: Request, reply: Fields): void {
    clearTimeout(request.deadline);
    request.deadline = undefined;
    request.resolve(reply);
    this.#unsettled -= 1;
  }

  /** Sends nothing for a random time: up to 8 ms, and up to twice as much each time that nothing was decided since. */
  async #pause(): Promise<void> {
    if (this.#isPausing) return;
    this.#isPausing = true;
    await sleep(Math.random() * 2 ** Math.min(3 + this.#pauses++, 10), undefined, { ref: false });
    this.#isPausing = false;
    this.#flush();
  }
}

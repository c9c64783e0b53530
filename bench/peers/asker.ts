/**
 * A client that knows every reply in advance. It only compares bytes, so it keeps up with a server under heavy load;
 * the load generator, which knows only the kinds of reply that a line may have, is for everything else.
 */
import { connect, type Socket } from 'node:net';
import { SpoiltError } from './trial.ts';

const SILENCE_MS_MAX = 10_000;
/** Wrong bytes shown in the message. */
const SHOWN_BYTES = 80;
const BUSY = '{"status":"rejected","reason":"server_busy"}\n';

interface Task {
  /** Takes a chunk; true if it was the last. Throws if the chunk is wrong. */
  take(chunk: Buffer): boolean;
  resolve(): void;
  reject(error: Error): void;
}

export class Asker {
  readonly #socket: Socket;
  #task: Task | undefined;
  #ended: Error | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', chunk => this.#take(chunk as unknown as Buffer));
    socket.on('error', error => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the server closed a connection')));
    socket.setTimeout(SILENCE_MS_MAX, () => {
      if (this.#task !== undefined) this.#fail(new Error(`no reply within ${SILENCE_MS_MAX} ms`));
    });
  }

  static open(port: number): Promise<Asker> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new Asker(socket));
      });
    });
  }

  /** Sends the lines, in pieces if they are to come so; resolves when these replies have come. One at a time. */
  async send(lines: Buffer, replies: Buffer, pieceBytes = lines.length): Promise<void> {
    let at = 0;
    const answered = this.#wait(chunk => {
      const end = at + chunk.length;
      if (end > replies.length || chunk.compare(replies, at, end) !== 0) throw wrong(chunk, replies, at);
      at = end;
      return at === replies.length;
    });
    for (let sent = 0; sent < lines.length; sent += pieceBytes) {
      // A turn of the event loop between them: writes of one turn may leave in one packet.
      if (sent > 0) await new Promise(setImmediate);
      if (this.#ended !== undefined) break;
      this.#socket.write(lines.subarray(sent, sent + pieceBytes));
    }
    return answered;
  }

  /** Sends a line; resolves to its one reply. */
  async ask(line: string): Promise<string> {
    let reply = '';
    const answered = this.#wait(chunk => {
      reply += chunk.toString();
      return reply.endsWith('\n');
    });
    this.#socket.write(`${line}\n`);
    await answered;
    return reply.trimEnd();
  }

  close(): void {
    this.#ended ??= new Error('this connection is closed');
    this.#socket.destroy();
  }

  #wait(take: Task['take']): Promise<void> {
    const answered = new Promise<void>((resolve, reject) => {
      if (this.#ended !== undefined) reject(this.#ended);
      else this.#task = { take, resolve, reject };
    });
    // It may fail while pieces are being sent; the sender gets the error after them.
    answered.catch(() => {});
    return answered;
  }

  #take(chunk: Buffer): void {
    const task = this.#task;
    try {
      if (task === undefined) throw new Error(`nobody asked for ${shown(chunk)}`);
      if (!task.take(chunk)) return;
      this.#task = undefined;
      task.resolve();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #fail(error: Error): void {
    this.#ended ??= error;
    this.#task?.reject(this.#ended);
    this.#task = undefined;
    this.#socket.destroy();
  }
}

function wrong(chunk: Buffer, replies: Buffer, at: number): Error {
  let same = 0;
  while (same < chunk.length && chunk[same] === replies[at + same]) same += 1;
  if (chunk.includes(BUSY)) return new SpoiltError('lines were refused as busy');
  const expected = at + same < replies.length ? shown(replies.subarray(at + same)) : 'nothing';
  return new Error(`the server sent ${shown(chunk.subarray(same))}, not ${expected}`);
}

function shown(bytes: Buffer): string {
  return JSON.stringify(bytes.toString('latin1', 0, SHOWN_BYTES));
}

/** A server for tests of the client, which answers as a test says, or does not. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { type ConnectOptions, connect as connectTo, type Tally } from '../../src/client/client.ts';
import { HEALTHY } from '../support/asking.ts';

/** Behind each line that came: what is sent back, if anything. */
export type Answer = (line: string, socket: Socket, connection: number) => string | undefined;

/** Answers health, so that a client connects, and leaves the rest to the test. */
export const well =
  (answer: Answer): Answer =>
  (line, ...more) =>
    line.includes('"health"') ? HEALTHY : answer(line, ...more);

/** A client that is closed behind the test. */
export async function connect(options: ConnectOptions): Promise<Tally> {
  const tally = await connectTo({ deadlineMs: 10_000, ...options });
  onTestFinished(() => tally.close());
  return tally;
}

export class FakeServer {
  /** Those of all connections, in their order. */
  readonly lines: string[] = [];
  readonly sockets: Socket[] = [];
  /** How many pieces the bytes came in. */
  chunks = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** It ends with the test. */
  static async start(answer: Answer, port = 0): Promise<FakeServer> {
    const server = createServer({ noDelay: true });
    const fake = new FakeServer(server);
    server.on('connection', socket => {
      const connection = fake.sockets.push(socket) - 1;
      let rest = '';
      socket.setEncoding('utf8').on('error', () => {});
      socket.on('data', (text: string) => {
        fake.chunks += 1;
        const lines = (rest + text).split('\n');
        rest = lines.pop()!;
        fake.lines.push(...lines);
        const replies = lines.map(line => answer(line, socket, connection));
        const said = replies.map(reply => (reply === undefined ? '' : `${reply}\n`)).join('');
        if (said !== '' && !socket.destroyed) socket.write(said);
      });
    });
    await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve));
    onTestFinished(() => fake.stop());
    return fake;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}

/** What a server knows of its users: it decides each id once, and has counted what it applied. */
export class Ledger {
  readonly balances = new Map<string, number>();
  readonly #decided = new Map<string, string>();
  applied = 0;
  repeats = 0;

  readonly answer = (line: string): string => {
    const { type, user, action, amount, id, wait } = JSON.parse(line);
    const balance = this.balances.get(user) ?? 0;
    if (type === 'health') return '{"status":"ok"}';
    if (type === 'balance') return `{"status":"ok","balance":${balance}}`;
    const before = this.#decided.get(id);
    if (before !== undefined) {
      this.repeats += 1;
      return before;
    }
    const after = action === 'buy' ? balance + amount : balance - amount;
    this.balances.set(user, after);
    this.applied += 1;
    const reply = wait ? `{"status":"ok","balance":${after}}` : '{"status":"accepted"}';
    this.#decided.set(id, reply);
    return reply;
  };
}

/** How late the event loop of a server is, asked of what was loaded into it (delay-preload.ts). */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../../src/tools/harness/root.ts';
import { within } from '../../src/tools/harness/waiting.ts';

/** In ms. */
export interface Delay {
  p99: number;
  max: number;
}

/** Someone who is kept waiting by a busy loop waits for as long as a lap may last. */
const ANSWER_MS_MAX = 20_000;
const CONNECTED_MS_MAX = 2_000;
/** Compiled, as a server is plain Node. */
const PRELOAD = pathToFileURL(`${ROOT}dist/steps/race/delay-preload.js`);

export class DelayMeter {
  readonly #server: Server;
  readonly #connected: Promise<Socket>;

  private constructor(server: Server) {
    this.#server = server;
    this.#connected = once(server, 'connection').then(([socket]) =>
      // It ends with the process that it comes from.
      (socket as Socket).setEncoding('utf8').on('error', () => {}),
    );
  }

  static async open(): Promise<DelayMeter> {
    const server = createServer().unref();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new DelayMeter(server);
  }

  /** What Node is started with, so that the server can be asked. */
  get nodeFlags(): string[] {
    const { port } = this.#server.address() as { port: number };
    const url = new URL(PRELOAD);
    url.searchParams.set('port', String(port));
    return ['--import', url.href];
  }

  /** Since the last time. Undefined if nobody answers. To be asked once the server listens: it connects before that. */
  async take(): Promise<Delay | undefined> {
    const socket = await within(CONNECTED_MS_MAX, this.#connected);
    if (socket === undefined || socket.destroyed) return undefined;
    socket.write('take\n');
    const said = await within(ANSWER_MS_MAX, once(socket, 'data')).catch(() => undefined);
    return said && (JSON.parse(said[0] as string) as Delay);
  }

  close(): void {
    this.#server.close();
    void this.#connected.then(socket => socket.destroy());
  }
}

/** Clients: a line in, a reply out, in the order of their lines. While one client waits for its reply, others go on. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { linesOf } from './lines.ts';
import { parse, type Request } from './request.ts';

export type Answer = (request: Request) => string | Promise<string>;

export function serve(port: number, answer: Answer): void {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, socket => speak(socket, answer));
  server.listen(port, '127.0.0.1', () => console.log(`listening on 127.0.0.1:${port}`));
}

async function speak(socket: Socket, answer: Answer): Promise<void> {
  // A client that resets its connection is gone, and nobody else is.
  socket.on('error', () => {});
  try {
    for await (const line of linesOf(socket)) {
      const request = parse(line);
      await send(socket, typeof request === 'string' ? request : await answer(request));
    }
    socket.end();
  } catch {
    socket.destroy();
  }
}

/** Waits for a client that does not read. Meanwhile nothing more of it is read either. */
async function send(socket: Socket, reply: string): Promise<void> {
  // Replies that are ready at the same time leave together.
  socket.cork();
  process.nextTick(() => socket.uncork());
  if (!socket.write(reply)) await once(socket, 'drain');
}

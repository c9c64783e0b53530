/**
 * Step 3: understands events, and says what is wrong with everything else.
 *
 * WRONG ON PURPOSE: it takes every packet for a line. See README.md.
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { parse, reply } from './event.ts';

const { values: flags } = parseArgs({ options: { port: { type: 'string', default: '7878' } } });

async function serve(socket: Socket): Promise<void> {
  // A client that resets its connection is gone, and nobody else is.
  socket.on('error', () => {});
  try {
    for await (const packet of socket.iterator({ destroyOnReturn: false }))
      await send(socket, answer(packet));
    socket.end();
  } catch {
    socket.destroy();
  }
}

/** Waits for a client that does not read. Meanwhile nothing more of it is read either. */
async function send(socket: Socket, reply: string): Promise<void> {
  if (!socket.write(reply)) await once(socket, 'drain');
}

function answer(line: Buffer): string {
  const request = parse(line);
  if (typeof request === 'string') return request;
  return request.type === 'health' ? reply('ok') : reply('accepted');
}

const server = createServer({ allowHalfOpen: true, noDelay: true }, serve);
server.listen(Number(flags.port), '127.0.0.1', () => console.log(`listening on 127.0.0.1:${flags.port}`));

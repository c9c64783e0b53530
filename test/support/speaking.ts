/**
 * Says all at once to a server, plainly or through TLS, and returns the lines that it answers until it ends.
 */

import { once } from 'node:events';
import { type ConnectOpts, connect, type NetConnectOpts, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';

const MS_MAX = 10_000;

export async function say(socket: Socket, lines: readonly string[]): Promise<string[]> {
  socket.end(lines.map(line => `${line}\n`).join(''));
  return hear(socket);
}

/** The lines until the other side ends; rejects if it resets. */
export async function hear(socket: Socket): Promise<string[]> {
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.setTimeout(MS_MAX, () =>
    socket.destroy(new Error(`nothing more came after ${JSON.stringify(text)}`)),
  );
  socket.on('end', () => socket.end());
  await once(socket, 'close');
  return text.split('\n').slice(0, -1);
}

export async function open(options: NetConnectOpts & ConnectOpts): Promise<Socket> {
  const socket = connect({ ...options, allowHalfOpen: true } as NetConnectOpts);
  await once(socket, 'connect');
  return socket;
}

export async function openTls(options: ConnectionOptions): Promise<Socket> {
  const socket = connectTls({ host: '127.0.0.1', servername: 'localhost', ...options });
  await once(socket, 'secureConnect');
  return socket;
}

/**
 * Step 1: sends back what it reads, one client at a time.
 *
 * WRONG ON PURPOSE: while it waits for one client's bytes, nobody else is served. See README.md.
 */
import { spawnSync } from 'node:child_process';
import { readSync, writeSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { parseArgs } from 'node:util';

const { values: flags } = parseArgs({ options: { port: { type: 'string', default: '7878' } } });

/** Serves a client to its end. Neither call returns before it is done, and nothing else happens meanwhile. */
function serve(socket: Socket): void {
  const descriptor = blockingDescriptor(socket);
  const chunk = Buffer.alloc(65_536);
  try {
    let length = readSync(descriptor, chunk);
    while (length > 0) {
      writeSync(descriptor, chunk, 0, length);
      length = readSync(descriptor, chunk);
    }
  } catch (error) {
    console.log(`lost a client: ${(error as Error).message}`);
  }
  socket.destroy();
}

/**
 * Node makes every socket non-blocking. A child that is handed the descriptor as its standard input switches it
 * back, for us as well: the switch belongs to the socket, not to the process.
 */
function blockingDescriptor(socket: Socket): number {
  const descriptor = (socket as unknown as { _handle: { fd: number } })._handle.fd;
  spawnSync('true', { stdio: [descriptor, 'ignore', 'ignore'] });
  return descriptor;
}

const server = createServer({ pauseOnConnect: true }, serve);
server.listen(Number(flags.port), '127.0.0.1', () => console.log(`listening on 127.0.0.1:${flags.port}`));

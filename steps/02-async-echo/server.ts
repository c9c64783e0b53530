/**
 * Step 2: sends back what it reads, to many clients at a time.
 *
 * WRONG ON PURPOSE: nobody listens for errors, and nobody looks whether a client reads. See README.md.
 */
import { createServer, type Socket } from 'node:net';
import { parseArgs } from 'node:util';

const { values: flags } = parseArgs({ options: { port: { type: 'string', default: '7878' } } });

/** Returns at once; the client is served whenever bytes of it have come. */
function serve(socket: Socket): void {
  socket.on('data', chunk => {
    socket.write(chunk);
  });
}

const server = createServer(serve);
server.listen(Number(flags.port), '127.0.0.1', () => console.log(`listening on 127.0.0.1:${flags.port}`));

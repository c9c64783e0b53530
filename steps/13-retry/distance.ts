/**
 * A way to an engine that takes time, as to one in another building: whoever talks to it waits between two commands. What
 * is on the way when the server dies still arrives.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Distance {
  /** The address of the engine, this way. */
  url: string;
  close(): void;
}

export async function distanceTo(engineUrl: string, delayMs: number): Promise<Distance> {
  const to = new URL(engineUrl);
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, near => {
    const far = connect({ host: to.hostname, port: Number(to.port), allowHalfOpen: true, noDelay: true });
    pass(near, far, delayMs);
    pass(far, near, 0);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(engineUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function pass(from: Socket, to: Socket, delayMs: number): void {
  const later = async (then: () => void) => {
    if (delayMs > 0) await sleep(delayMs);
    then();
  };
  from.on('data', bytes => void later(() => to.write(bytes)));
  // A reset is an end, too.
  from.on('close', () => void later(() => to.end()));
  from.on('end', () => void later(() => to.end()));
}

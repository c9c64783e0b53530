/** Opens the connections of one thread, or says in a sentence why that can't be done. */
import { addressText } from '../../cli/terminal/address.ts';
import { type ConnectionEvents, type Ledger, LoadConnection } from './connection.ts';
import type { LoadPlan } from './plan.ts';
import type { ReplyJudge } from './protocols.ts';
import { pageOf } from './replies.ts';

const CHUNK_BYTES = 1 << 16;
/** At a time: a server's queue of connections that it has not taken yet is short. */
const OPENING_MAX = 256;

/** All of them, or none. */
export async function openConnections(
  plan: LoadPlan,
  thread: { index: number; connections: number },
  ledger: Ledger,
  judge: ReplyJudge,
  events: ConnectionEvents,
): Promise<LoadConnection[]> {
  const { host, port, pipeline, threads, connectMs } = plan;
  const { lines } = ledger.script;
  const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  const page = pageOf(judge);
  const deadlineMs = performance.now() + connectMs;
  const connections: LoadConnection[] = [];
  while (connections.length < thread.connections) {
    const opening: Promise<void>[] = [];
    while (opening.length < OPENING_MAX && connections.length < thread.connections) {
      const index = connections.length;
      // They start at places far apart, so that they do not all send the same users' lines at once.
      const place = (index * threads + thread.index) / (thread.connections * threads);
      const firstLine = Math.floor(place * lines) % lines;
      const connection = new LoadConnection(
        index,
        { host, port },
        chunk,
        judge,
        page,
        ledger,
        firstLine,
        pipeline,
        events,
      );
      connections.push(connection);
      opening.push(opened(connection, addressText(plan), connectMs, deadlineMs));
    }
    try {
      await Promise.all(opening);
    } catch (error) {
      for (const connection of connections) connection.destroy();
      throw error;
    }
  }
  return connections;
}

/** Resolves when the connection is open. */
function opened(
  connection: LoadConnection,
  address: string,
  connectMs: number,
  deadlineMs: number,
): Promise<void> {
  const { socket } = connection;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () =>
        reject(new Error(`${address} took no connection within ${connectMs / 1_000} s; is it overloaded?`)),
      deadlineMs - performance.now(),
    );
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeAllListeners('error');
      connection.watch();
      resolve();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(new Error(whyNot(error, address)));
    });
  });
}

function whyNot(error: NodeJS.ErrnoException, address: string): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return `nothing listens on ${address}; start a server first, for example: tally serve`;
    case 'EMFILE':
      return 'too many connections for this process: raise the limit of open files (ulimit -n), or use fewer';
    case 'EADDRNOTAVAIL':
      return `no local port is left for another connection to ${address}; use fewer`;
    default:
      return `no connection to ${address}: ${error.message}`;
  }
}

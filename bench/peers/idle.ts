/** Clients that have sent one line, have read its reply, and then stay and say nothing. */
import { connect, type Socket } from 'node:net';

/** At a time: a server's queue of connections that it has not taken yet is short. */
const OPENING_MAX = 256;
const ANSWER_MS_MAX = 10_000;
export const IDLE_USER = 'idle';
const LINE = `{"user":"${IDLE_USER}","action":"buy","amount":1}\n`;
const REPLY = '{"status":"accepted"}\n';

export interface IdleClients {
  /** Throws if the server has left one of them, or has sent it more than its reply. */
  check(): void;
  close(): Promise<void>;
}

export async function openIdle(port: number, count: number): Promise<IdleClients> {
  const sockets = new Set<Socket>();
  let wrong: Error | undefined;
  const close = async () => {
    wrong = undefined;
    await Promise.all([...sockets].map(ended));
  };
  try {
    while (sockets.size < count) {
      const opening = Array.from({ length: Math.min(OPENING_MAX, count - sockets.size) }, async () => {
        const socket = connect({ host: '127.0.0.1', port, noDelay: true });
        sockets.add(socket);
        await answered(socket);
        const complain = (what: string) => () => {
          wrong ??= new Error(`an idle connection ${what}`);
        };
        socket.on('error', complain('failed')).on('close', complain('was closed'));
        socket.on('data', complain('was sent something'));
      });
      await Promise.all(opening);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    check() {
      if (wrong !== undefined) throw wrong;
    },
    close,
  };
}

/** Sends the line, and resolves when its reply has come. */
function answered(socket: Socket): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    let reply = '';
    const fail = (why: string) => reject(new Error(`an idle connection ${why}`));
    socket.setTimeout(ANSWER_MS_MAX, () => fail(`had no reply within ${ANSWER_MS_MAX / 1_000} s`));
    socket.on('error', error => fail(`failed: ${error.message}`));
    socket.on('close', () => fail('was closed'));
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      reply += chunk;
      if (reply === REPLY) resolve();
      else if (!REPLY.startsWith(reply)) fail(`was sent ${reply.slice(0, 120)}`);
    });
    socket.write(LINE);
  }).finally(() => {
    socket.setTimeout(0);
    for (const event of ['timeout', 'error', 'close', 'data']) socket.removeAllListeners(event);
  });
}

function ended(socket: Socket): Promise<void> {
  for (const event of ['error', 'close', 'data']) socket.removeAllListeners(event);
  return new Promise(resolve => {
    if (socket.closed) return resolve();
    socket.on('error', () => {}).on('close', () => resolve());
    socket.destroy();
  });
}

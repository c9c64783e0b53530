/**
 * The socket of a connection of a load run: plain, or TLS, which hands over its bytes in chunks of its own. It is open when
 * lines can be sent and will be done: when hands are shaken, and the token is taken.
 */
import type { Socket } from 'node:net';
import type { Credentials } from '../harness/credentials.ts';
import { checkLetIn, dial, openedEvent, type Target, tokenLine } from '../harness/dialling.ts';

const NEWLINE = 0x0a;
/** No reply to a token is longer. */
const REPLY_BYTES_MAX = 1_024;

export interface Wire {
  readonly socket: Socket;
  /** Rejects if it can't be opened; then the socket is to be destroyed. */
  readonly opened: Promise<void>;
}

/** Bytes that come when it is open go to `onBytes`: the first `length` of the buffer, during the call only. */
export function openWire(
  target: Target,
  credentials: Credentials,
  chunk: Buffer,
  onBytes: (bytes: Buffer, length: number) => void,
): Wire {
  const { token } = credentials;
  let take = onBytes;
  const callback = (length: number) => {
    take(chunk, length);
    return true;
  };
  const socket = dial(target, credentials, { onread: { buffer: chunk, callback } });
  if (credentials.tls !== undefined) socket.on('data', (bytes: Buffer) => take(bytes, bytes.length));
  const opened = new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    // What has been told behind the last reply is told by then.
    socket.once('close', () => reject(new Error('the server closed the connection')));
    socket.once(openedEvent(credentials), () => {
      if (token === undefined) return resolve();
      let reply = '';
      take = (bytes, length) => {
        reply += bytes.toString('latin1', 0, length);
        if (bytes[length - 1] !== NEWLINE && reply.length < REPLY_BYTES_MAX) return;
        take = onBytes;
        try {
          checkLetIn(reply.trimEnd());
          resolve();
        } catch (error) {
          reject(error);
        }
      };
      socket.write(tokenLine(token));
    });
  });
  return { socket, opened };
}

/**
 * How a socket's bytes come to the server: all sockets read into one buffer, and each read is served before the next.
 *
 * A stream has memory of its own for every read, 64 KiB. Under a flood that was garbage for twelve full collections a
 * second, of 4 ms each, and everybody waited for them. Reading into the caller's memory is something that Node offers
 * (`onread`), but only for a socket that the caller makes. So one is made here, around what the accepted socket is
 * around: its handle. That takes three properties that Node does not document (`handle`, `_handle`, `_server`);
 * test/net/plain-transport.test.ts fails on a Node that has others.
 *
 * Such a socket stops reading at once when it is paused, and has nothing filed.
 */
import { Socket, type SocketConstructorOpts } from 'node:net';

interface Options extends SocketConstructorOpts {
  handle: unknown;
  writableHighWaterMark: number;
  onread: { buffer: () => Uint8Array; callback: (bytes: number) => boolean };
}

interface Handled extends Socket {
  _handle: unknown;
  /** Which counts its connections. */
  _server: unknown;
}

/**
 * Returns the socket to use from now on, which reads. `receive` is called with how many bytes are in the buffer;
 * then `bufferOf` says where the next read goes.
 */
export function readInto(
  bufferOf: () => Uint8Array,
  accepted: Socket,
  receive: (bytes: number) => void,
): Socket {
  const { _handle: handle, _server: server, writableHighWaterMark } = accepted as Handled;
  // Nothing is left that the old one could close, or count as closed.
  Object.assign(accepted, { _handle: null, _server: null });
  const callback = (bytes: number) => {
    receive(bytes);
    return true;
  };
  const options: Options = {
    handle,
    writableHighWaterMark,
    allowHalfOpen: true,
    readable: true,
    writable: true,
    onread: { buffer: bufferOf, callback },
  };
  return Object.assign(new Socket(options), { _server: server });
}

/**
 * The header that a balancer puts before what a client sends, so that we know whose connection it is: PROXY protocol,
 * version 2 (https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt).
 */
import type { Socket } from 'node:net';

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const HEAD_BYTES = 16;
/** Addresses and what balancers add; the standard allows 64 KiB, and what is longer is nobody's. */
const REST_BYTES_MAX = 4_096;
const MS_MAX = 5_000;

const VERSION_2 = 0x20;
const LOCAL = 0;
const PROXY = 1;
const IPV4 = 1;
const IPV6 = 2;

/**
 * Reads the header of a paused socket, and calls `onAddress` with the client's address; what the client sent stays in the
 * socket. Destroys the socket if there is no header, or not in time. Of the balancer's own connections (`LOCAL`, its
 * checks), the address is the balancer's.
 */
export function readProxyHeader(socket: Socket, onAddress: (address: string) => void): void {
  let head: Buffer | undefined;
  const give = () => socket.destroy();
  const timer = setTimeout(give, MS_MAX).unref();
  const read = () => {
    head ??= (socket.read(HEAD_BYTES) as Buffer | null) ?? undefined;
    if (head === undefined) return;
    if (!isHead(head)) return give();
    const bytes = head.readUInt16BE(14);
    if (bytes > REST_BYTES_MAX) return give();
    const rest = bytes === 0 ? Buffer.alloc(0) : (socket.read(bytes) as Buffer | null);
    if (rest === null) return;
    clearTimeout(timer);
    socket.off('readable', read).off('end', give).off('error', give);
    const address = addressIn(head, rest);
    if (address === undefined) return give();
    onAddress(address === '' ? (socket.remoteAddress ?? '') : address);
  };
  socket
    .on('readable', read)
    .on('end', give)
    .on('error', give)
    .once('close', () => clearTimeout(timer));
}

function isHead(head: Buffer): boolean {
  const command = head[12]! & 0x0f;
  return (
    head.subarray(0, SIGNATURE.length).equals(SIGNATURE) &&
    (head[12]! & 0xf0) === VERSION_2 &&
    (command === LOCAL || command === PROXY)
  );
}

/** An address of IPv4 in one of IPv6: ten bytes of 0, two of 255, and the address (RFC 4291). */
const MAPPED = Buffer.from('00000000000000000000ffff', 'hex');

/** Empty: the balancer's own. Undefined: it is cut short. */
function addressIn(head: Buffer, rest: Buffer): string | undefined {
  if ((head[12]! & 0x0f) === LOCAL) return '';
  switch (head[13]! >> 4) {
    case IPV4:
      return rest.length < 12 ? undefined : rest.subarray(0, 4).join('.');
    case IPV6: {
      if (rest.length < 36) return undefined;
      // A balancer that listens for both kinds says so of clients with IPv4, who share no network.
      if (rest.subarray(0, MAPPED.length).equals(MAPPED)) return rest.subarray(MAPPED.length, 16).join('.');
      const groups = Array.from({ length: 8 }, (_, group) => rest.readUInt16BE(2 * group).toString(16));
      return groups.join(':');
    }
    default:
      // A Unix socket on its side, or unknown.
      return '';
  }
}

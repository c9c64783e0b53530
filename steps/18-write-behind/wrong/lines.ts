/** Lines from packets: a line may come in many packets, and a packet may hold many lines. */
import type { Socket } from 'node:net';

const NEWLINE = 10;
/** Of a line that is too long, as much is kept as shows that it is. */
const KEPT_BYTES_MAX = 16_385;

/** What came without a newline before the client finished is a line too. */
export async function* linesOf(socket: Socket): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0);
  for await (const packet of socket.iterator({ destroyOnReturn: false })) {
    rest = Buffer.concat([rest, packet]);
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      yield rest.subarray(0, end);
      rest = rest.subarray(end + 1);
    }
    rest = rest.subarray(0, KEPT_BYTES_MAX);
  }
  if (rest.length > 0) yield rest;
}

/** A client that sends and never reads, for as long as the server takes what it sends. */
import type { Client } from '../../../src/tools/harness/client.ts';
import { until } from '../../../src/tools/harness/waiting.ts';

/** Nothing taken for so long: the server waits for the client. */
const STUCK_MS = 1_000;

/** Pauses the client and sends the chunk again and again. `look` is called now and then meanwhile. */
export async function floodUntilStuck(client: Client, chunk: Uint8Array, look = () => {}): Promise<void> {
  const { socket } = client;
  let takenMs = performance.now();
  let isStuck = false;
  const push = () => {
    takenMs = performance.now();
    if (!isStuck && socket.writable) socket.write(chunk, () => setImmediate(push));
  };
  socket.pause();
  push();
  await until(
    () => {
      look();
      isStuck = performance.now() - takenMs > STUCK_MS;
      return isStuck;
    },
    'the server to read no more',
    20_000,
  );
}

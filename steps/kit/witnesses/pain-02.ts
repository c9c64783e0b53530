/**
 * Pain 2, one reset kills everybody: does a client that resets its connection end the server for the others, and can
 * a client that never reads use unlimited memory?
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../../../src/tools/harness/client.ts';
import type { Server } from '../../../src/tools/harness/server.ts';
import type { Source } from '../server.ts';
import { type Evidence, type Say, type Witness, withServer } from './witness.ts';

const LINE = '{"type":"health"}\n';
const RESETS = 3;
const FLOOD_BYTES = 64 * 1024 * 1024;
/** More than the system buffers for a connection, less than was sent. */
const HELD_BYTES_MAX = 32 * 1024 * 1024;
const STALLED_MS = 700;

export const resetKillsAll: Witness = {
  pain: 2,
  mustStart: false,
  run: async (source, say) => {
    const { isAlive, evidence } = await resetting(source, say);
    const heldBytes = await unread(source, say);
    const isBounded = heldBytes <= HELD_BYTES_MAX;
    return {
      isPresent: !isAlive || !isBounded,
      evidence: { ...evidence, unreadMiB: toMiB(heldBytes), isBounded },
      sentence:
        (isAlive
          ? `${RESETS} clients reset their connections, and the others did not notice. `
          : 'One client reset its connection, and the others lost theirs. ') +
        (isBounded
          ? `For a client that never read it kept ${toMiB(heldBytes)} MiB and stopped.`
          : `For a client that never read it kept ${toMiB(heldBytes)} MiB, and would have kept more.`),
    };
  },
};

async function resetting(source: Source, say: Say): Promise<{ isAlive: boolean; evidence: Evidence }> {
  return withServer(source, {}, async server => {
    const bystander = await Client.open(server.port, server.host);
    await bystander.ask(LINE);
    say('a bystander is connected, and has its reply');
    for (let resets = 0; resets < RESETS && !bystander.isEnded; resets += 1) await sendAndReset(server);
    say(`${RESETS} other clients have sent a line, and reset their connections`);
    const isAlive = await isServed(bystander);
    say(isAlive ? 'the bystander is still served' : 'the bystander has lost its connection');
    bystander.close();
    if (isAlive || !source.isStarted) return { isAlive, evidence: { othersLost: !isAlive } };
    const { exitCode } = await server.ended;
    say(`the server is gone, with exit code ${exitCode}`);
    return { isAlive, evidence: { othersLost: true, exitCode: exitCode ?? -1 } };
  });
}

async function sendAndReset({ host, port }: Server): Promise<void> {
  try {
    const client = await Client.open(port, host);
    client.send(LINE);
    await sleep(20);
    client.reset();
    await sleep(20);
  } catch {
    // Another reset may have ended the server already; the bystander will notice.
  }
}

async function isServed(client: Client): Promise<boolean> {
  try {
    await client.ask(LINE);
    return true;
  } catch {
    return false;
  }
}

/**
 * The bytes of replies kept for a client that sends without reading. (Replies are counted, not bytes taken: a server
 * that answers each packet with one line may take many packets and keep little.)
 */
async function unread(source: Source, say: Say): Promise<number> {
  return withServer(source, {}, async ({ host, port }) => {
    const socket = connect({ host, port }).on('error', () => {});
    const sentBytes = await flood(socket);
    say(`another client sent ${toMiB(sentBytes)} MiB, for as long as it was taken, and read nothing`);
    let heldBytes = 0;
    let lastMs = performance.now();
    socket.on('data', bytes => {
      heldBytes += bytes.length;
      lastMs = performance.now();
    });
    while (performance.now() - lastMs < STALLED_MS / 2) await sleep(20);
    socket.destroy();
    say(`now it reads, and finds ${toMiB(heldBytes)} MiB`);
    return heldBytes;
  });
}

/** Sends until all is sent, or the server takes no more. Returns how many bytes were taken. */
async function flood(socket: Socket): Promise<number> {
  const chunk = Buffer.from(LINE.repeat(4096));
  let lastMs = performance.now();
  let sentBytes = 0;
  while (sentBytes < FLOOD_BYTES && performance.now() - lastMs < STALLED_MS && !socket.destroyed) {
    if (socket.writableLength > 0) {
      await sleep(1);
      continue;
    }
    socket.write(chunk);
    sentBytes += chunk.length;
    lastMs = performance.now();
    await sleep(0);
  }
  return sentBytes - socket.writableLength;
}

function toMiB(bytes: number): number {
  return Math.round((bytes / 1024 / 1024) * 10) / 10;
}

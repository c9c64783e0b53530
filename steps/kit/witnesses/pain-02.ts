/**
 * Pain 2, one reset kills everybody: does a client that resets its connection end the server for the others, and can
 * a client that never reads use unlimited memory?
 */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, HungUp } from '../../../src/tools/harness/client.ts';
import { within } from '../../../src/tools/harness/waiting.ts';
import type { Source } from '../server.ts';
import type { Scene } from './scene.ts';
import { type Evidence, type Say, Undecided, WITNESS_MS_MAX, type Witness, withServer } from './witness.ts';

const LINE = '{"type":"health"}\n';
const RESETS = 3;
const FLOOD_BYTES = 64 * 1024 * 1024;
/** More than the system buffers for a connection, less than was sent. */
const HELD_BYTES_MAX = 32 * 1024 * 1024;
const STALLED_MS = 700;
/** For a server that takes or sends a little at a time. */
const SEND_MS_MAX = 10_000;
const READ_MS_MAX = 15_000;
/** More than all the replies to what was sent. */
const REPLIES_BYTES_MAX = 4 * FLOOD_BYTES;
const END_MS_MAX = 5_000;

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
  const use = async (scene: Scene) => {
    const { server } = scene;
    const bystander = await scene.open();
    // Twice: a server that hangs up after each reply is no victim of the resets.
    for (let replies = 0; replies < 2; replies += 1) await bystander.ask(LINE);
    say('a bystander is connected, and has its reply');
    for (let resets = 0; resets < RESETS && !bystander.isEnded; resets += 1) await sendAndReset(scene);
    say(`${RESETS} other clients have sent a line, and reset their connections`);
    const isAlive = await isServed(bystander);
    say(isAlive ? 'the bystander is still served' : 'the bystander has lost its connection');
    if (isAlive || !source.isStarted) return { isAlive, evidence: { othersLost: !isAlive } };
    const ended = await within(END_MS_MAX, server.ended);
    if (ended === undefined) return { isAlive, evidence: { othersLost: true } };
    say(`the server is gone, with exit code ${ended.exitCode}`);
    return { isAlive, evidence: { othersLost: true, exitCode: ended.exitCode ?? -1 } };
  };
  return withServer(source, {}, use, WITNESS_MS_MAX / 2);
}

async function sendAndReset(scene: Scene): Promise<void> {
  try {
    const client = await scene.open();
    client.send(LINE);
    await sleep(20);
    client.reset();
    await sleep(20);
  } catch {
    // Another reset may have ended the server already; the bystander will notice.
  }
}

/** Throws if the bystander keeps its connection, and gets no reply. */
async function isServed(client: Client): Promise<boolean> {
  try {
    await client.ask(LINE);
    return true;
  } catch (error) {
    if (error instanceof HungUp) return false;
    throw error;
  }
}

/**
 * The bytes of replies kept for a client that sends without reading. (Replies are counted, not bytes taken: a server
 * that answers each packet with one line may take many packets and keep little.)
 */
async function unread(source: Source, say: Say): Promise<number> {
  const use = async (scene: Scene) => {
    const socket = scene.connect();
    const sentBytes = await flood(socket);
    say(`another client sent ${toMiB(sentBytes)} MiB, for as long as it was taken, and read nothing`);
    let heldBytes = 0;
    let lastMs = performance.now();
    socket.on('data', bytes => {
      heldBytes += bytes.length;
      lastMs = performance.now();
    });
    const endMs = lastMs + READ_MS_MAX;
    while (performance.now() - lastMs < STALLED_MS / 2) {
      await sleep(20);
      if (heldBytes > REPLIES_BYTES_MAX || performance.now() > endMs)
        throw new Undecided(`it sends more than replies: ${toMiB(heldBytes)} MiB, and no end of them`);
    }
    socket.destroy();
    say(`now it reads, and finds ${toMiB(heldBytes)} MiB`);
    return heldBytes;
  };
  return withServer(source, {}, use, WITNESS_MS_MAX / 2);
}

/** Sends until all is sent, or the server takes no more. Returns how many bytes were taken. */
async function flood(socket: Socket): Promise<number> {
  const chunk = Buffer.from(LINE.repeat(4096));
  const endMs = performance.now() + SEND_MS_MAX;
  let lastMs = performance.now();
  let sentBytes = 0;
  while (sentBytes < FLOOD_BYTES && performance.now() - lastMs < STALLED_MS && performance.now() < endMs) {
    if (socket.destroyed) break;
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

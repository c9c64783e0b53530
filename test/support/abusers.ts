/**
 * Clients that would bring a server down, as a process of their own: `tsx abusers.ts PORT SECONDS`.
 *
 * 200 that pipeline and never read (half of them events, half requests with longer replies), 100 that send lines
 * without an end, and 10,000 connects that are reset at once. Prints one JSON line with what it did.
 */
import { connect, type Socket } from 'node:net';

const port = Number(process.argv[2]);
const endMs = performance.now() + Number(process.argv[3]) * 1000;
const NEVER_READING = 200;
const ENDLESS = 100;
const RESETS = 10_000;
const RESETS_AT_A_TIME = 50;

const done = { sentBytes: 0, endlessBytes: 0, resets: 0, closedByServer: 0 };
const open = new Set<Socket>();

const events = Buffer.from('{"user":"mallory","action":"buy","amount":1}\n'.repeat(1_000));
const requests = Buffer.from('{"type":"metrics","detail":true}\n'.repeat(1_000));
const endless = Buffer.alloc(65_536, 0x61);

function flood(bytes: Buffer, count: 'sentBytes' | 'endlessBytes'): void {
  const socket = connect({ port, host: '127.0.0.1' });
  open.add(socket);
  // Never resumed: what the server says stays unread.
  socket.pause();
  const push = () => {
    if (performance.now() > endMs || socket.destroyed) return;
    socket.write(bytes, error => {
      if (error) return;
      done[count] += bytes.length;
      setImmediate(push);
    });
  };
  socket.on('connect', push);
  socket.on('error', () => {});
  socket.on('close', () => {
    open.delete(socket);
    if (performance.now() < endMs) done.closedByServer += 1;
  });
}

function resetOnce(): Promise<void> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('connect', () => {
      socket.write('{"user":"mal');
      socket.resetAndDestroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      done.resets += 1;
      resolve();
    });
  });
}

async function resetAgainAndAgain(): Promise<void> {
  while (done.resets < RESETS && performance.now() < endMs) {
    await Promise.all(Array.from({ length: RESETS_AT_A_TIME }, resetOnce));
  }
}

for (let client = 0; client < NEVER_READING; client++)
  flood(client % 2 === 0 ? events : requests, 'sentBytes');
for (let client = 0; client < ENDLESS; client++) flood(endless, 'endlessBytes');
await resetAgainAndAgain();
await new Promise(resolve => setTimeout(resolve, Math.max(0, endMs - performance.now())));
for (const socket of open) socket.destroy();
process.stdout.write(`${JSON.stringify(done)}\n`);

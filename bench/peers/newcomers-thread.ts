/**
 * A client whose every event is of a new user, as fast as the server takes them: it keeps some chunks under way, each
 * as large as one read of a socket. Every reply must be that the event is accepted.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { answerWith } from '../micro/thread.ts';

export interface NewcomersWork {
  port: number;
  /** The number of the first user, and how many there are. */
  from: number;
  users: number;
}

const CHUNK_LINES = 1_300;
const CHUNKS_UNDER_WAY = 16;
const DIGITS = 8;
const LINE = `{"user":"new-${'0'.repeat(DIGITS)}","action":"buy","amount":1}\n`;
const DIGITS_END = LINE.lastIndexOf('0') + 1;
const REPLY = '{"status":"accepted"}\n';
const REPLIES = Buffer.from(REPLY.repeat(2 * CHUNK_LINES));

async function run({ port, from, users }: NewcomersWork): Promise<{ users: number }> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  let sent = 0;
  let repliedBytes = 0;
  let wake = () => {};
  let wrong: Error | undefined;
  socket.on('data', chunk => {
    for (let at = 0; at < chunk.length; ) {
      const start = (repliedBytes + at) % REPLY.length;
      const end = Math.min(chunk.length, at + REPLIES.length - start);
      if (REPLIES.compare(chunk as Buffer, at, end, start, start + end - at) !== 0)
        wrong ??= new Error(`the server sent ${chunk.toString('latin1', at, at + 80)}`);
      at = end;
    }
    repliedBytes += chunk.length;
    wake();
  });
  const fail = () => {
    wrong ??= new Error('the server closed the connection');
    wake();
  };
  socket.on('error', fail).on('close', fail);
  const reachesReplies = async (count: number) => {
    while (repliedBytes < count * REPLY.length && wrong === undefined)
      await new Promise<void>(resolve => {
        wake = resolve;
      });
    if (wrong !== undefined) throw wrong;
  };
  while (sent < users) {
    const lines = Math.min(CHUNK_LINES, users - sent);
    socket.write(linesOf(from + sent, lines));
    sent += lines;
    await reachesReplies(sent - CHUNKS_UNDER_WAY * CHUNK_LINES);
  }
  await reachesReplies(users);
  socket.removeAllListeners('close').destroy();
  return { users };
}

function linesOf(from: number, lines: number): Buffer {
  const bytes = Buffer.from(LINE.repeat(lines), 'latin1');
  for (let line = 0; line < lines; line++) {
    let at = line * LINE.length + DIGITS_END;
    for (let left = from + line; left > 0; left = Math.trunc(left / 10)) bytes[--at]! += left % 10;
  }
  return bytes;
}

await answerWith(run);

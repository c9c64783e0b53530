/**
 * Step 4: finds the lines in the packets, and applies every event at once.
 *
 * WRONG ON PURPOSE: what one client's events cost, all the others wait for. See README.md.
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { type Event, parse, reply } from './event.ts';
import { linesOf } from './lines.ts';
import { work } from './work.ts';

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '7878' },
    'work-us': { type: 'string', default: '0' },
    work: { type: 'string', default: 'block' },
  },
});
const balances = new Map<string, number>();

async function serve(socket: Socket): Promise<void> {
  // A client that resets its connection is gone, and nobody else is.
  socket.on('error', () => {});
  try {
    for await (const line of linesOf(socket)) await send(socket, answer(line));
    socket.end();
  } catch {
    socket.destroy();
  }
}

/** Waits for a client that does not read. Meanwhile nothing more of it is read either. */
async function send(socket: Socket, reply: string): Promise<void> {
  // Replies that are ready at the same time leave together.
  socket.cork();
  process.nextTick(() => socket.uncork());
  if (!socket.write(reply)) await once(socket, 'drain');
}

function answer(line: Buffer): string {
  const request = parse(line);
  if (typeof request === 'string') return request;
  if (request.type === 'health') return reply('ok');
  if (request.type === 'balance') return reply('ok', { balance: balances.get(request.user) ?? 0 });
  return apply(request);
}

function apply({ user, amount }: Event): string {
  work(flags['work-us'], flags.work);
  const balance = (balances.get(user) ?? 0) + amount;
  if (!Number.isSafeInteger(balance)) return reply('rejected', { reason: 'balance_overflow' });
  balances.set(user, balance);
  return reply('ok', { balance });
}

const server = createServer({ allowHalfOpen: true, noDelay: true }, serve);
server.listen(Number(flags.port), '127.0.0.1', () => console.log(`listening on 127.0.0.1:${flags.port}`));

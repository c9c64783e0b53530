/**
 * Step 5: accepts events at once, and has them applied elsewhere, with a bounded queue between.
 *
 * WRONG ON PURPOSE: one thread applies everything, however many cores there are. See README.md.
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { type Event, parse, reply } from './event.ts';
import { linesOf } from './lines.ts';
import { createQueue, type Queue, type Task, tryPush } from './queue.ts';

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '7878' },
    queue: { type: 'string', default: '1024' },
    unbounded: { type: 'boolean', default: false },
    'work-us': { type: 'string', default: '0' },
    work: { type: 'string', default: 'block' },
  },
});
type Lane = ReturnType<typeof startWorker>;

const USERS_MAX = 100_000;
/** The row of each user's balance. */
const rows = new Map<string, number>();
const worker = startWorker();

/** A thread with the queue before it, and those who wait for a balance, in the order in which they asked. */
function startWorker() {
  const queue = createQueue(Number(flags.queue));
  const askers: ((balance: number) => void)[] = [];
  const file = new URL(import.meta.url.replace(/server(\.\w+)$/, 'worker$1'));
  const thread = new Worker(file, { workerData: { queue, flags, usersMax: USERS_MAX } });
  thread.on('message', balance => askers.shift()!(balance));
  return { queue, askers };
}

async function serve(socket: Socket): Promise<void> {
  // A client that resets its connection is gone, and nobody else is.
  socket.on('error', () => {});
  try {
    for await (const line of linesOf(socket)) await send(socket, await answer(line, worker));
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

async function answer(line: Buffer, worker: Lane): Promise<string> {
  const request = parse(line);
  if (typeof request === 'string') return request;
  if (request.type === 'health') return reply('ok');
  if (request.type === 'balance') return reply('ok', { balance: await balanceOf(request.user, worker) });
  return accept(request, worker);
}

async function accept({ user, amount, wait }: Event, { queue, askers }: Lane): Promise<string> {
  const row = rows.get(user) ?? rows.size;
  if (row === USERS_MAX) return reply('rejected', { reason: 'too_many_users' });
  const task = { row, amount, asks: wait };
  if (flags.unbounded && !wait) void pushLater(queue, task);
  else if (!tryPush(queue, task)) return reply('rejected', { reason: 'server_busy' });
  rows.set(user, row);
  if (!wait) return reply('accepted');
  const balance = await new Promise<number>(resolve => askers.push(resolve));
  return Number.isSafeInteger(balance)
    ? reply('ok', { balance })
    : reply('rejected', { reason: 'balance_overflow' });
}

/** The bound taken off: what finds no room waits in memory, however much it is, and comes in any order. */
async function pushLater(queue: Queue, task: Task): Promise<void> {
  while (!tryPush(queue, task)) await setTimeout(1);
}

/** The worker is asked, behind everything that was accepted before. */
async function balanceOf(user: string, { queue, askers }: Lane): Promise<number> {
  const row = rows.get(user);
  if (row === undefined) return 0;
  while (!tryPush(queue, { row, amount: 0, asks: true })) await setTimeout(1);
  return new Promise(resolve => askers.push(resolve));
}

const server = createServer({ allowHalfOpen: true, noDelay: true }, serve);
server.listen(Number(flags.port), '127.0.0.1', () => console.log(`listening on 127.0.0.1:${flags.port}`));

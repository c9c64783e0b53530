/**
 * Step 10: as step 9, and on Ctrl+C it refuses what is new, applies what it accepted, and ends.
 *
 * WRONG ON PURPOSE: it waits for every client to hang up, and some never do. See README.md.
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { count, createCounters, DROPPED, PROCESSED, RECEIVED, total } from './counters.ts';
import { type Event, parse, reply } from './event.ts';
import { linesOf } from './lines.ts';
import { createLock } from './lock.ts';
import { createQueue, tryPush } from './queue.ts';

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '7878' },
    queue: { type: 'string', default: '1024' },
    workers: { type: 'string', default: '4' },
    'work-us': { type: 'string', default: '0' },
    'window-us': { type: 'string', default: '0' },
    work: { type: 'string', default: 'block' },
    count: { type: 'string', default: 'padded' },
  },
});
type Lane = ReturnType<typeof startWorker>;

const USERS_MAX = 100_000;
const SHARDS = 64;
/** The row of each user's balance. */
const rows = new Map<string, number>();
/** One table for all workers. */
const balances = new Float64Array(new SharedArrayBuffer(USERS_MAX * 8));
/** A row's lock is the one with its number, modulo `SHARDS`. */
const locks = Array.from({ length: SHARDS }, createLock);
const counters = createCounters(flags.count, 1 + Number(flags.workers));
const workers = Array.from({ length: Number(flags.workers) }, startWorker);
let connections = 0;
let isDraining = false;
let isEnding = false;
const sockets = new Set<Socket>();

/** A thread with the queue before it, and those who wait for a balance, in the order in which they asked. */
function startWorker(_: unknown, index: number) {
  const queue = createQueue(Number(flags.queue));
  const askers: ((balance: number) => void)[] = [];
  const file = new URL(import.meta.url.replace(/server(\.\w+)$/, 'worker$1'));
  const data = { queue, flags, balances, locks, counters, thread: 1 + index };
  const thread = new Worker(file, { workerData: data });
  thread.on('message', balance => askers.shift()!(balance));
  return { queue, askers, thread };
}

async function serve(socket: Socket): Promise<void> {
  // A client that resets its connection is gone, and nobody else is.
  socket.on('error', () => {});
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket));
  // All events of a connection go to one worker, and so stay in order.
  const worker = workers[connections % workers.length]!;
  connections += 1;
  try {
    // In the end lines are read, or the end would become a reset, but they are not answered any more.
    for await (const line of linesOf(socket)) if (!isEnding) await send(socket, await answer(line, worker));
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
  if (request.type === 'health') return reply(isDraining ? 'draining' : 'ok');
  if (request.type === 'balance') return reply('ok', { balance: await balanceOf(request.user, worker) });
  if (request.type === 'metrics') return metrics();
  count(counters, 0, RECEIVED);
  return accept(request, worker);
}

async function accept({ user, amount, wait }: Event, { queue, askers }: Lane): Promise<string> {
  if (isDraining) return refuse('shutting_down');
  const row = rows.get(user) ?? rows.size;
  if (row === USERS_MAX) return refuse('too_many_users');
  if (!tryPush(queue, { row, amount, asks: wait })) return refuse('server_busy');
  rows.set(user, row);
  if (!wait) return reply('accepted');
  const balance = await new Promise<number>(resolve => askers.push(resolve));
  return Number.isSafeInteger(balance)
    ? reply('ok', { balance })
    : reply('rejected', { reason: 'balance_overflow' });
}

function refuse(reason: string): string {
  count(counters, 0, DROPPED);
  return reply('rejected', { reason });
}

/** The worker is asked, behind everything that was accepted before. */
async function balanceOf(user: string, { queue, askers }: Lane): Promise<number> {
  const row = rows.get(user);
  if (row === undefined) return 0;
  while (!tryPush(queue, { row, amount: 0, asks: true })) await setTimeout(1);
  return new Promise(resolve => askers.push(resolve));
}

function metrics(): string {
  const [received, processed, dropped] = [RECEIVED, PROCESSED, DROPPED].map(what => total(counters, what));
  return `${JSON.stringify({ received, processed, dropped })}\n`;
}

/** Nobody new, nothing new, everything applied, everything answered, everybody gone: in this order. */
async function shutDown(): Promise<void> {
  if (isDraining) return;
  isDraining = true;
  server.close();
  const allGone = once(server, 'close');
  do await setTimeout(5);
  while (total(counters, RECEIVED) > total(counters, PROCESSED) + total(counters, DROPPED));
  isEnding = true;
  // Twice in a row: a question that waits for room in a queue, and looks every ms, is not among the askers yet.
  for (let looks = 0; looks < 2; looks = workers.some(({ askers }) => askers.length > 0) ? 0 : looks + 1)
    await setTimeout(5);
  // The stream says no more `drain` once it ends, and a client may be waited for with it.
  for (const socket of sockets) socket.end(() => socket.emit('drain'));
  await allGone;
  for (const { thread } of workers) await thread.terminate();
  process.stdout.write(`stopped: ${metrics()}`);
}

const server = createServer({ allowHalfOpen: true, noDelay: true }, serve);
server.listen(Number(flags.port), '127.0.0.1', () => console.log(`listening on 127.0.0.1:${flags.port}`));
process.once('SIGINT', shutDown).once('SIGTERM', shutDown);

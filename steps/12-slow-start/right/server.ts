/**
 * Lesson 12: every event is a line of a log, on the disk before its client hears of it. Another thread, the reader, folds
 * what is full of the log into a snapshot: a start reads that, and what is behind it. The reader also knows what users had
 * at the end of a day: it keeps what is asked, not what happened. See README.md.
 */
import { once } from 'node:events';
import { appendFileSync, mkdirSync, truncateSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { error, type Fields, isUser, type Request, rejected, reply } from './request.ts';
import { serve } from './serve.ts';

const { values: flags } = parseArgs({
  options: { port: { type: 'string', default: '7878' }, data: { type: 'string', default: './data' } },
});
const FILE_BYTES = 1 << 18;
mkdirSync(flags.data, { recursive: true });
const file = new URL(import.meta.url.replace(/server(\.\w+)$/, 'reader$1'));
const reader = new Worker(file, { workerData: flags.data });
const asking: ((balance: number) => void)[] = [];
let [{ balances, number, bytes }] = await once(reader, 'message');
reader.on('message', balance => asking.shift()!(balance));
// A crash may have cut off the last line. It was not written, so nobody was told that it is.
truncateSync(`${flags.data}/${number}.log`, bytes);
let lines = '';
let next: Promise<void> | undefined;

async function answer(request: Request): Promise<string> {
  if (request.type === 'health') return reply('ok');
  if (request.type === 'other')
    return request.name === 'closing' ? closing(request.fields) : error('unknown_type');
  const { user, fields } = request;
  const balance = (balances.get(user) ?? 0) + (request.type === 'event' ? request.amount : 0);
  if (!Number.isSafeInteger(balance)) return rejected('balance_overflow');
  if (request.type === 'event') {
    balances.set(user, balance);
    lines += `${JSON.stringify({ user, action: fields.action, amount: fields.amount, at: new Date() })}\n`;
  }
  // On the disk, before anybody is told: one write and one sync for all who came in this turn.
  next ??= new Promise(resolve => setImmediate(() => resolve(write())));
  await next;
  return request.type === 'balance' || request.wait ? reply('ok', { balance }) : reply('accepted');
}

/** An error ends the server: what is on the disk then, nobody knows, and the next start reads it. */
function write(): void {
  next = undefined;
  if (lines === '') return;
  appendFileSync(`${flags.data}/${number}.log`, lines, { flush: true });
  bytes += Buffer.byteLength(lines);
  lines = '';
  if (bytes < FILE_BYTES) return;
  [number, bytes] = [number + 1, 0];
  appendFileSync(`${flags.data}/${number}.log`, '', { flush: true });
  reader.postMessage('full');
}

/** What a user had at the end of a day, in UTC. The reader answers in the order in which it is asked. */
async function closing({ user, day }: Fields): Promise<string> {
  if (!isUser(user) || !/^\d{4}-\d\d-\d\d$/.test(String(day))) return error('invalid_event');
  reader.postMessage([user, day]);
  return reply('ok', { balance: await new Promise(resolve => asking.push(resolve)) });
}

serve(Number(flags.port), answer);

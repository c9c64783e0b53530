/**
 * Lesson 12: every event is a line of a log, on the disk before its client hears of it. The log is all there is: balances
 * are what it adds up to, at the start, and what a user had at the end of a day is what it adds up to until then.
 *
 * WRONG ON PURPOSE: both take longer with every event that was ever received. See README.md.
 */
import { appendFileSync, mkdirSync, truncateSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { replay } from './log.ts';
import { error, type Fields, isUser, type Request, rejected, reply } from './request.ts';
import { serve } from './serve.ts';

const { values: flags } = parseArgs({
  options: { port: { type: 'string', default: '7878' }, data: { type: 'string', default: './data' } },
});
mkdirSync(flags.data, { recursive: true });
const path = `${flags.data}/events.log`;
const balances = new Map<string, number>();
const end = await replay(path, 0, ({ user, amount }) => {
  balances.set(user, (balances.get(user) ?? 0) + amount);
});
// A crash may have cut off the last line. It was not written, so nobody was told that it is.
truncateSync(path, end);
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
  appendFileSync(path, lines, { flush: true });
  lines = '';
}

/** What a user had at the end of a day, in UTC. */
async function closing({ user, day }: Fields): Promise<string> {
  if (!isUser(user) || !/^\d{4}-\d\d-\d\d$/.test(String(day))) return error('invalid_event');
  let balance = 0;
  await replay(path, 0, event => {
    if (event.user === user && String(event.fields.at).slice(0, 10) <= String(day)) balance += event.amount;
  });
  return reply('ok', { balance });
}

serve(Number(flags.port), answer);

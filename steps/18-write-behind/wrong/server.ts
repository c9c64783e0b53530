/**
 * Lesson 18: the balances are in SQLite, and all of them in a map in front of it, which answers. What has changed in the
 * map is written to the database twice a second, and when the server is asked to end.
 *
 * WRONG ON PURPOSE: until it is written, a change that was accepted is in memory alone. See README.md.
 */
import { mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Event, error, type Request, rejected, reply } from './request.ts';
import { serve } from './serve.ts';
import { openStore } from './store.ts';

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '7878' },
    data: { type: 'string', default: './data' },
  },
});
const FLUSH_EVERY_MS = 500;
mkdirSync(flags.data, { recursive: true });
const store = openStore(`${flags.data}/balances.db`);
const balances = new Map(store.all());
/** Not yet in the database. */
const changed = new Map<string, number>();

function answer(request: Request): string {
  if (request.type === 'health') return reply('ok');
  if (request.type === 'balance') return reply('ok', { balance: balances.get(request.user) ?? 0 });
  return request.type === 'event' ? accept(request) : error('unknown_type');
}

function accept({ user, amount, wait }: Event): string {
  const balance = (balances.get(user) ?? 0) + amount;
  if (!Number.isSafeInteger(balance)) return rejected('balance_overflow');
  balances.set(user, balance);
  changed.set(user, balance);
  return wait ? reply('ok', { balance }) : reply('accepted');
}

function flush(): void {
  store.put(changed);
  changed.clear();
}

function flushAndEnd(): void {
  flush();
  process.exit(0);
}

setInterval(flush, FLUSH_EVERY_MS);
process.once('SIGINT', flushAndEnd).once('SIGTERM', flushAndEnd);
serve(Number(flags.port), answer);

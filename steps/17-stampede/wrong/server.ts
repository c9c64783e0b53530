/**
 * Lesson 17: the balances are in a database, and a cache is in front of it. What was read is kept for some time; what is
 * not there, or was kept for too long, is asked for; what this server changes is thrown away.
 *
 * WRONG ON PURPOSE: whoever does not find it asks, however many ask already. See README.md.
 */
import { parseArgs } from 'node:util';
import { Database } from './database.ts';
import { Lru } from './lru.ts';
import { type Event, error, type Request, rejected, reply } from './request.ts';
import { serve } from './serve.ts';

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '7878' },
    'database-url': { type: 'string', default: 'tcp://127.0.0.1:7879' },
    'ttl-ms': { type: 'string', default: '1000' },
  },
});
const ttlMs = Number(flags['ttl-ms']);

type Entry = { balance: number; freshUntilMs: number };

const database = new Database(flags['database-url']);
const cache = new Lru<Entry>();

async function answer(request: Request): Promise<string> {
  if (request.type === 'health') return reply('ok');
  if (request.type === 'balance') return reply('ok', { balance: await balanceOf(request.user) });
  return request.type === 'event' ? accept(request) : error('unknown_type');
}

async function balanceOf(user: string): Promise<number> {
  const entry = cache.get(user);
  if (entry !== undefined && performance.now() < entry.freshUntilMs) return entry.balance;
  const { balance } = await database.ask('get', { user });
  cache.set(user, { balance, freshUntilMs: performance.now() + ttlMs });
  return balance;
}

async function accept({ user, amount, wait }: Event): Promise<string> {
  const { balance } = await database.ask('add', { user, amount });
  if (balance === undefined) return rejected('balance_overflow');
  cache.delete(user);
  return wait ? reply('ok', { balance }) : reply('accepted');
}

serve(Number(flags.port), answer);

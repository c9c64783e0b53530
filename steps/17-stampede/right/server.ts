/**
 * Lesson 17: the balances are in a database, and a cache is in front of it. What was read is kept for some time. For
 * another `--ttl-ms` the old one is an answer, while one question brings the new one; of two, the newer version stays. How
 * it learns of changes that others make: `--way time`, `version` or `event`. See README.md.
 */
import { parseArgs } from 'node:util';
import { Database, type Row } from './database.ts';
import { Lru } from './lru.ts';
import { type Event, error, type Request, rejected, reply } from './request.ts';
import { serve } from './serve.ts';

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '7878' },
    'database-url': { type: 'string', default: 'tcp://127.0.0.1:7879' },
    'ttl-ms': { type: 'string', default: '1000' },
    way: { type: 'string', default: 'event' },
  },
});
const ttlMs = Number(flags['ttl-ms']);
type Entry = Row & { freshUntilMs: number };

const database = new Database(flags['database-url'], expire);
const cache = new Lru<Entry>();
const flights = new Map<string, Promise<Row>>();

async function answer(request: Request): Promise<string> {
  if (request.type === 'health') return reply('ok');
  if (request.type === 'balance') return reply('ok', { balance: await balanceOf(request.user) });
  return request.type === 'event' ? accept(request) : error('unknown_type');
}

async function balanceOf(user: string): Promise<number> {
  const entry = cache.get(user);
  const nowMs = performance.now();
  if (entry === undefined || nowMs >= entry.freshUntilMs + ttlMs) return atLeast(entry?.version ?? 0, user);
  const { version } = flags.way === 'version' ? await database.ask('version', { user }) : entry;
  if (version !== entry.version) return atLeast(version, user);
  if (nowMs >= entry.freshUntilMs) void fetched(user);
  return entry.balance;
}

/** A question that began before the change may bring a version that is too old. */
async function atLeast(version: number, user: string): Promise<number> {
  const row = await fetched(user);
  return row.version < version ? atLeast(version, user) : row.balance;
}

/** One question at a time for a user: whoever comes meanwhile gets its answer, too. */
function fetched(user: string): Promise<Row> {
  const flight = flights.get(user) ?? database.ask('get', { user }).then(row => keep(user, row));
  flights.set(user, flight);
  return flight;
}

/** The newer of the two stays. Not all for the same time: what came together would go together. */
function keep(user: string, row: Row): Row {
  flights.delete(user);
  const kept = cache.get(user);
  if (kept !== undefined && kept.version > row.version) return row;
  cache.set(user, { ...row, freshUntilMs: performance.now() + ttlMs * (0.5 + 0.5 * Math.random()) });
  return row;
}

/** What is kept, or on its way, may be old: only this version is wanted from now on. */
function expire(user: string, version: number): void {
  const kept = cache.get(user);
  if (kept === undefined ? !flights.has(user) : kept.version >= version) return;
  cache.set(user, { balance: 0, version, freshUntilMs: Number.NEGATIVE_INFINITY });
}

async function accept({ user, amount, wait }: Event): Promise<string> {
  const row = await database.ask('add', { user, amount });
  if (row.balance === undefined) return rejected('balance_overflow');
  keep(user, row);
  return wait ? reply('ok', { balance: row.balance }) : reply('accepted');
}

if (flags.way === 'event') await database.ask('subscribe');
serve(Number(flags.port), answer);

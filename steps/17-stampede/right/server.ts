/**
 * Lesson 17: the balances are in a database, and a cache is in front of it. What was read is kept for some time; after it,
 * the old one is the answer once more, while one question brings the new one; of two, the newer version stays.
 *
 * How it learns of changes that others make: `--way time`, `version` or `event`. See README.md.
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
const ENTRIES_MAX = 10_000;
const ttlMs = Number(flags['ttl-ms']);

interface Entry extends Row {
  freshUntilMs: number;
  /** Until then it is better than to wait. */
  usableUntilMs: number;
}

const database = new Database(flags['database-url']);
const cache = new Lru<Entry>(ENTRIES_MAX);
const flights = new Map<string, Promise<Row>>();

async function answer(request: Request): Promise<string> {
  if (request.type === 'health') return reply('ok');
  if (request.type === 'balance') return reply('ok', { balance: await balanceOf(request.user) });
  return request.type === 'event' ? accept(request) : error('unknown_type');
}

async function balanceOf(user: string): Promise<number> {
  const entry = cache.get(user);
  const nowMs = performance.now();
  if (entry === undefined || nowMs >= entry.usableUntilMs) return atLeast(entry?.version ?? 0, user);
  if (flags.way === 'version') {
    const { version } = await database.ask('version', { user });
    return version === entry.version ? entry.balance : atLeast(version, user);
  }
  if (nowMs >= entry.freshUntilMs) void fetched(user);
  return entry.balance;
}

/** A question that began before the change may bring a version that is too old. */
async function atLeast(version: number, user: string): Promise<number> {
  for (;;) {
    const row = await fetched(user);
    if (row.version >= version) return row.balance;
  }
}

/** One question at a time for a user: whoever comes meanwhile gets its answer, too. */
function fetched(user: string): Promise<Row> {
  let flight = flights.get(user);
  if (flight === undefined) {
    flight = database.ask('get', { user }).then(row => {
      flights.delete(user);
      keep(user, row);
      return row;
    });
    flights.set(user, flight);
  }
  return flight;
}

/** The newer of the two stays. Not all for the same time: what came together would go together. */
function keep(user: string, row: Row): void {
  const kept = cache.get(user);
  if (kept !== undefined && kept.version > row.version) return;
  const nowMs = performance.now();
  const freshMs = ttlMs * (0.5 + 0.5 * Math.random());
  cache.set(user, { ...row, freshUntilMs: nowMs + freshMs, usableUntilMs: nowMs + 2 * ttlMs });
}

/** What is kept, or on its way, may be old: only this version is wanted from now on. */
function expire(user: string, version: number): void {
  const kept = cache.get(user);
  if (kept === undefined ? !flights.has(user) : kept.version >= version) return;
  cache.set(user, { balance: 0, version, freshUntilMs: 0, usableUntilMs: 0 });
}

async function accept({ user, amount, wait }: Event): Promise<string> {
  const row = await database.ask('add', { user, amount });
  if (row.balance === undefined) return rejected('balance_overflow');
  keep(user, row);
  return wait ? reply('ok', { balance: row.balance }) : reply('accepted');
}

if (flags.way === 'event') {
  database.onChange = expire;
  await database.ask('subscribe');
}
serve(Number(flags.port), answer);

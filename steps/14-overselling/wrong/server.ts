/**
 * Lesson 14: items in PostgreSQL are sold while there are some, by any number of clients at the same time.
 *
 * WRONG ON PURPOSE: between its look at what is left and its write, others look, too, and all of them sell the same last
 * unit. A transaction around the two changes nothing. See README.md.
 */
import { parseArgs } from 'node:util';
import pg from 'pg';
import { type Event, error, type Request, rejected, reply } from './request.ts';
import { serve } from './serve.ts';
import { TABLE, WAYS } from './ways.ts';

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '7878' },
    'postgres-url': { type: 'string', default: 'postgres://127.0.0.1' },
    way: { type: 'string', default: 'plain' },
  },
});
pg.types.setTypeParser(pg.types.builtins.INT8, Number); // No balance is more than a number can hold.
const pool = new pg.Pool({ connectionString: flags['postgres-url'], max: 32 });
pool.on('error', () => {}).on('connect', client => client.on('error', () => {})); // Its query fails, too.
await pool.query(TABLE);
const decide = WAYS[flags.way]!;

function answer(request: Request): string | Promise<string> {
  if (request.type === 'health') return reply('ok');
  if (request.type === 'balance') return balanceOf(request.user);
  return request.type === 'event' ? accept(request) : error('unknown_type');
}

async function balanceOf(user: string): Promise<string> {
  const { rows } = await pool.query('SELECT balance FROM items WHERE name = $1', [Buffer.from(user)]);
  return reply('ok', { balance: rows[0]?.balance ?? 0 });
}

/** With `min`, only if the balance afterwards is no less. */
async function accept({ user, amount, wait, fields }: Event): Promise<string> {
  const { min = Number.MIN_SAFE_INTEGER } = fields;
  if (!Number.isSafeInteger(min)) return error('invalid_event');
  const name = Buffer.from(user);
  // There is a row to read, and to lock, from the first event on.
  await pool.query('INSERT INTO items VALUES ($1, 0) ON CONFLICT DO NOTHING', [name]);
  const decided = await decide(pool, [name, amount, min as number]);
  if (typeof decided === 'string') return rejected(decided);
  return wait || 'min' in fields ? reply('ok', { balance: decided }) : reply('accepted');
}

serve(Number(flags.port), answer);

/**
 * Lesson 15: a bank, with its accounts in PostgreSQL. It moves money between them, and to accounts of another bank.
 *
 * WRONG ON PURPOSE: a transfer locks its sender, then its receiver, so two that meet wait for each other. And of what
 * is on its way to the other bank, only this process knows. See README.md.
 */
import { parseArgs } from 'node:util';
import pg from 'pg';
import { error, type Fields, isAmount, isUser, type Request, rejected, reply } from './request.ts';
import { serve } from './serve.ts';
import { abroad, add, here, TABLES } from './transfer.ts';

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '7878' },
    'postgres-url': { type: 'string', default: 'postgres://127.0.0.1' },
    'bank-url': { type: 'string', default: 'tcp://127.0.0.1:7879' },
  },
});
const pool = new pg.Pool({ connectionString: flags['postgres-url'], max: 32 });
pool.on('error', () => {}).on('connect', client => client.on('error', () => {})); // Its query fails, too.
const bank = new URL(flags['bank-url']);
await pool.query(TABLES);

async function answer(request: Request): Promise<string> {
  if (request.type === 'health') return reply('ok');
  if (request.type === 'balance') return balanceOf(request.user);
  if (request.type === 'other')
    return request.name === 'transfer' ? transfer(request.fields) : error('unknown_type');
  const balance = await add(pool, request.user, request.amount);
  return request.wait ? reply('ok', { balance }) : reply('accepted');
}

async function balanceOf(user: string): Promise<string> {
  const { rows } = await pool.query('SELECT balance FROM accounts WHERE name = $1', [Buffer.from(user)]);
  return reply('ok', { balance: Number(rows[0]?.balance ?? 0) });
}

async function transfer({ from, to, amount, min = Number.MIN_SAFE_INTEGER, abroad: far = false }: Fields) {
  const isGood = isUser(from) && isUser(to) && from !== to && isAmount(amount) && typeof far === 'boolean';
  if (!isGood || !Number.isSafeInteger(min)) return error('invalid_event');
  const left = await (far ? abroad : here)(pool, [from, to, amount, Number(min)], bank);
  return typeof left === 'string' ? rejected(left) : reply('ok', { balance: left });
}

/** A failed check and a deadlock did nothing. After any other error of the database nobody knows: no reply. */
const REFUSED = { 23514: rejected('balance_overflow'), '40P01': rejected('server_busy') };
const refused = (error: { code: keyof typeof REFUSED }) => REFUSED[error.code] ?? Promise.reject(error);
serve(Number(flags.port), request => answer(request).catch(refused));

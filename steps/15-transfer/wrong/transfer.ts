/** Money from an account to another one, here or in the other bank. Resolves to what the first has left, or why not. */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';

type Transfer = [from: string, to: string, amount: number, min: number];

export const TABLES = `CREATE TABLE IF NOT EXISTS accounts (name bytea PRIMARY KEY, balance int8
  CONSTRAINT balance_overflow CHECK (abs(balance) <= ${Number.MAX_SAFE_INTEGER}))`;
const ADD = `INSERT INTO accounts VALUES ($1, $2)
  ON CONFLICT (name) DO UPDATE SET balance = accounts.balance + $2 RETURNING balance`;
const TRIES_MAX = 20;

export function here(pool: Pool, [from, to, amount, min]: Transfer): Promise<number | string> {
  return transaction(pool, async client => {
    const left = (await add(client, from, 0)) - amount;
    if (left < min) return 'insufficient_balance';
    await add(client, from, -amount);
    await add(client, to, amount);
    return left;
  });
}

/** Takes it here, brings it there. If the other bank does not take it, gives it back. */
export async function abroad(pool: Pool, [from, to, amount, min]: Transfer, bank: URL) {
  const left = await transaction(pool, async client => {
    const left = (await add(client, from, 0)) - amount;
    return left < min ? 'insufficient_balance' : add(client, from, -amount);
  });
  if (typeof left === 'string') return left;
  let reason = 'server_busy';
  for (let tries = 1; tries <= TRIES_MAX && reason === 'server_busy'; tries += 1) {
    const reply = await ask(bank, { user: to, action: 'buy', amount, wait: true }).catch(() => undefined);
    if (reply?.status === 'ok') return left;
    reason = reply?.reason ?? 'server_busy';
    await sleep(100);
  }
  await add(pool, from, amount);
  return reason;
}

/** Resolves to the balance afterwards. In a transaction, the account is locked from here to the end. */
export async function add(db: Pool | PoolClient, user: string, amount: number): Promise<number> {
  return Number((await db.query(ADD, [Buffer.from(user), amount])).rows[0].balance);
}

async function transaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}

/** One line to the other bank, and its reply. Throws without one: then nobody knows whether it was done. */
async function ask(bank: URL, request: object): Promise<{ status: string; reason?: string }> {
  const link = connect({ host: bank.hostname, port: Number(bank.port), signal: AbortSignal.timeout(2_000) });
  return JSON.parse(await text(link.end(`${JSON.stringify(request)}\n`)));
}

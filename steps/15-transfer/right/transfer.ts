/** Money from an account to another one, here or in the other bank. Resolves to what the first has left, or why not. */
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';

type Transfer = [from: string, to: string, amount: number, min: number];

export const TABLES = `CREATE TABLE IF NOT EXISTS accounts (name bytea PRIMARY KEY, balance int8
  CONSTRAINT balance_overflow CHECK (abs(balance) <= ${Number.MAX_SAFE_INTEGER}));
  CREATE TABLE IF NOT EXISTS transit (id uuid PRIMARY KEY, sender bytea, receiver bytea, amount int8)`;
const ADD = `INSERT INTO accounts VALUES ($1, $2)
  ON CONFLICT (name) DO UPDATE SET balance = accounts.balance + $2 RETURNING balance`;
const ARRIVED = 'DELETE FROM transit WHERE id = $1';
const GIVEN_BACK = `WITH gone AS (DELETE FROM transit WHERE id = $1 RETURNING *)
  UPDATE accounts SET balance = balance + gone.amount FROM gone WHERE name = gone.sender`;

export function here(pool: Pool, [from, to, amount, min]: Transfer): Promise<number | string> {
  return transaction(pool, async client => {
    // All lock in the order of the names, so nobody who has a lock waits for somebody who wants it.
    await add(client, from < to ? from : to, 0);
    const left = (await add(client, from, 0)) - amount;
    if (left < min) return 'insufficient_balance';
    await add(client, from, -amount);
    await add(client, to, amount);
    return left;
  });
}

/** Takes it here, and in the same transaction writes down that it is on its way. */
export async function abroad(pool: Pool, [from, to, amount, min]: Transfer, bank: URL) {
  const id = randomUUID();
  const left = await transaction(pool, async client => {
    const left = (await add(client, from, 0)) - amount;
    if (left < min) return 'insufficient_balance';
    const transit = [id, Buffer.from(from), Buffer.from(to), amount];
    await client.query('INSERT INTO transit VALUES ($1, $2, $3, $4)', transit);
    return add(client, from, -amount);
  });
  return typeof left === 'string' ? left : ((await bring(pool, bank, id, to, amount)) ?? left);
}

/** What was on its way when the process before this one ended. */
export async function resume(pool: Pool, bank: URL): Promise<void> {
  const { rows } = await pool.query('SELECT * FROM transit');
  for (const { id, receiver, amount } of rows) void bring(pool, bank, id, String(receiver), Number(amount));
}

/** Until the other bank has said yes or no, and that is written. Both do once what comes with the same id. */
async function bring(pool: Pool, bank: URL, id: string, user: string, amount: number) {
  for (; ; await sleep(100)) {
    const reply = await ask(bank, { user, action: 'buy', amount, wait: true, id }).catch(() => undefined);
    if (reply === undefined || reply.reason === 'server_busy') continue;
    const written = pool.query(reply.status === 'ok' ? ARRIVED : GIVEN_BACK, [id]);
    if (await written.catch(() => undefined)) return reply.reason;
  }
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

/** Four ways to sell what is left, so that no two sell the same unit. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';

/** The balance afterwards, or why the event is refused. */
type Decided = number | string;
type Sale = [name: Buffer, amount: number, min: number];

export const TABLE = 'CREATE TABLE IF NOT EXISTS items (name bytea PRIMARY KEY, balance int8, version int8)';
const READ = 'SELECT balance, version FROM items WHERE name = $1';
const WRITE = 'UPDATE items SET balance = $2, version = version + 1 WHERE name = $1';
const TRIES_MAX = 100;
export const counts = { retries: 0 };
const READY = Promise.resolve();
const owned = new Map<string, Promise<{ balance: number; last: Promise<unknown>; next?: unknown }>>();

export const WAYS: Record<string, (pool: Pool, sale: Sale) => Promise<Decided>> = {
  /** Pessimistic: whoever reads the row keeps it until the end of the transaction; others wait to read it. */
  'for-update': (pool, sale) => again(() => inTransaction(pool, 'BEGIN', `${READ} FOR UPDATE`, sale)),

  /** Optimistic: the write does nothing if somebody has written since the read. */
  version: (pool, [name, amount, min]) =>
    again(async () => {
      const { rows } = await pool.query(READ, [name]);
      const decided = afterwards(rows[0].balance, amount, min);
      if (typeof decided === 'string') return decided;
      const { rowCount } = await pool.query(`${WRITE} AND version = $3`, [name, decided, rows[0].version]);
      return rowCount === 1 ? decided : undefined;
    }),

  /** Optimistic, too: the database sees who has read what, and lets one of two that collide fail. */
  serializable: (pool, sale) =>
    again(() => inTransaction(pool, 'BEGIN ISOLATION LEVEL SERIALIZABLE', READ, sale)),

  /** One decides for all, in memory: this process. Nothing is awaited between its look and its change. */
  owner: async (pool, [name, amount, min]) => {
    const load = async () => ({ balance: (await pool.query(READ, [name])).rows[0].balance, last: READY });
    if (!owned.has(String(name))) owned.set(String(name), load());
    const item = (await owned.get(String(name)))!;
    const decided = afterwards(item.balance, amount, min);
    if (typeof decided === 'string') return decided;
    item.balance = decided;
    // One write for all that is decided while the one before is under way. Without it the memory is wrong.
    item.next ??= item.last = item.last.then(async () => {
      item.next = undefined;
      await pool.query(WRITE, [name, item.balance]).catch(() => process.exit(1));
    });
    await item.next;
    return decided;
  },
};

function afterwards(balance: number, amount: number, min: number): Decided {
  if (!Number.isSafeInteger(balance + amount)) return 'balance_overflow';
  return balance + amount < min ? 'insufficient_balance' : balance + amount;
}

async function inTransaction(pool: Pool, begin: string, read: string, [name, amount, min]: Sale) {
  const client = await pool.connect();
  try {
    await client.query(begin);
    const { rows } = await client.query(read, [name]);
    const decided = afterwards(rows[0].balance, amount, min);
    if (typeof decided === 'number') await client.query(WRITE, [name, decided]);
    await client.query('COMMIT');
    return decided;
  } catch (error) {
    await client.query('ROLLBACK');
    // Of two that cannot have happened one behind the other, PostgreSQL refuses one: somebody was faster.
    if ((error as { code?: string }).code !== '40001') throw error;
    return undefined;
  } finally {
    client.release();
  }
}

/** Whoever has lost waits for a random time, longer each time, so that the same ones do not meet again. */
async function again(attempt: () => Promise<Decided | undefined>, tries = 1): Promise<Decided> {
  const decided = tries > TRIES_MAX ? 'server_busy' : await attempt();
  if (decided !== undefined) return decided;
  counts.retries += 1;
  await sleep(Math.random() * tries);
  return again(attempt, tries + 1);
}

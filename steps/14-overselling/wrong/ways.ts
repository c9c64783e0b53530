/** Two ways to sell what is left. Both read, look at what they have read, and write. */
import type { Pool } from 'pg';

/** The balance afterwards, or why the event is refused. */
type Decided = number | string;
type Sale = [name: Buffer, amount: number, min: number];

export const TABLE = 'CREATE TABLE IF NOT EXISTS items (name bytea PRIMARY KEY, balance int8)';
const READ = 'SELECT balance FROM items WHERE name = $1';
const WRITE = 'UPDATE items SET balance = $2 WHERE name = $1';
const ADD = 'UPDATE items SET balance = balance + $2 WHERE name = $1 RETURNING balance';

export const WAYS: Record<string, (pool: Pool, sale: Sale) => Promise<Decided>> = {
  /** As a mapper of objects does it: load, change, save. */
  plain: async (pool, [name, amount, min]) => {
    const { rows } = await pool.query(READ, [name]);
    const decided = afterwards(rows[0].balance, amount, min);
    if (typeof decided === 'number') await pool.query(WRITE, [name, decided]);
    return decided;
  },

  /** In a transaction, so that nobody comes between; and it adds, so that no sale is overwritten. */
  'read-committed': (pool, sale) => inTransaction(pool, sale),
};

function afterwards(balance: number, amount: number, min: number): Decided {
  if (!Number.isSafeInteger(balance + amount)) return 'balance_overflow';
  return balance + amount < min ? 'insufficient_balance' : balance + amount;
}

async function inTransaction(pool: Pool, [name, amount, min]: Sale): Promise<Decided> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const { rows } = await client.query(READ, [name]);
    let decided = afterwards(rows[0].balance, amount, min);
    if (typeof decided === 'number') decided = (await client.query(ADD, [name, amount])).rows[0].balance;
    await client.query('COMMIT');
    return decided;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}

/** The database: a row for each user. A transaction is on the disk when it has ended. */
import Database from 'better-sqlite3';

export type Balance = readonly [user: string, balance: number];
export type Store = ReturnType<typeof openStore>;

export function openStore(path: string) {
  const database = new Database(path);
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec('CREATE TABLE IF NOT EXISTS balances (user TEXT PRIMARY KEY, balance INTEGER NOT NULL)');
  const put = database.prepare('INSERT OR REPLACE INTO balances VALUES (?, ?)');
  return {
    all: () => database.prepare('SELECT user, balance FROM balances').raw().all() as Balance[],
    /** In one transaction. */
    put: database.transaction((balances: Iterable<Balance>) => {
      for (const balance of balances) put.run(balance);
    }),
  };
}

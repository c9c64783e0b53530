/**
 * What many would take where balances must not be lost: SQLite in the server's own process. All lines that
 * come in one turn of the event loop are one transaction, and are answered when it is on the disk: a write-ahead log, synced
 * at each commit. The lines are read as the plain server of these benches reads them; of requests it knows only those for a balance.
 *
 * A process of its own: keeps its file in the folder that it is given, and prints its port.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import Database from 'better-sqlite3';

const ACCEPTED = '{"status":"accepted"}\n';
const INVALID = '{"status":"error","reason":"invalid_event"}\n';

interface Line {
  type?: string;
  user?: string;
  action?: string;
  amount?: number;
}

const database = new Database(join(process.argv[2]!, 'balances.db'));
database.pragma('journal_mode = WAL');
database.pragma('synchronous = FULL');
database.exec('CREATE TABLE balances (user TEXT PRIMARY KEY, balance INTEGER NOT NULL) WITHOUT ROWID');
const add = database.prepare(
  'INSERT INTO balances VALUES (?, ?) ON CONFLICT (user) DO UPDATE SET balance = balance + excluded.balance',
);
const find = database.prepare('SELECT balance FROM balances WHERE user = ?');
const answerAll = database.transaction((batch: Batch) =>
  batch.map(({ socket, lines }) => ({ socket, replies: lines.map(answer).join('') })),
);

type Batch = { socket: Socket; lines: string[] }[];
let batch: Batch = [];

const server = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
  let partial = '';
  socket.setEncoding('utf8');
  socket.on('data', text => {
    const lines = (partial + text).split('\n');
    partial = lines.pop()!;
    if (lines.length === 0) return;
    if (batch.length === 0) setImmediate(commit);
    batch.push({ socket, lines });
  });
  socket.on('end', () => socket.end());
  socket.on('error', () => socket.destroy());
});

server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));

function commit(): void {
  const whole = batch;
  batch = [];
  for (const { socket, replies } of answerAll(whole)) socket.write(replies);
}

function answer(text: string): string {
  const { type, user, action, amount } = JSON.parse(text) as Line;
  if (typeof user !== 'string') return INVALID;
  if (type === 'balance') {
    const { balance } = (find.get(user) ?? { balance: 0 }) as { balance: number };
    return `{"status":"ok","balance":${balance}}\n`;
  }
  if (!Number.isSafeInteger(amount) || (action !== 'buy' && action !== 'sell')) return INVALID;
  add.run(user, action === 'buy' ? amount : -amount!);
  return ACCEPTED;
}

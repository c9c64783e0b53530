/**
 * The companion of lesson 19: a bank, which pays out what it is told. An order is a line, and so is its answer:
 *
 *     {"user":"alice","amount":30,"key":"p7"}      {"paid":true}
 *
 * It pays nothing a second time under the same key; a key may be left out. `{"user":"bob","manner":"refuses"}` says what
 * it does with the orders of a user, `{"report":true}` what it has done.
 */
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

/** The first order is received, and never answered; or it is paid, and never answered; or answered late. */
type Manner = 'refuses' | 'fails twice' | 'silent' | 'silent once paid' | 'slow';

interface Account {
  orders: number;
  /** How many times money has left. */
  paid: number;
  firstPaidMs?: number;
}

const { values: flags } = parseArgs({ options: { port: { type: 'string', default: '7879' } } });
const WORK_MS = 10;
const SLOW_MS = 1_600;
const manners = new Map<string, Manner>();
const accounts = new Map<string, Account>();
const keys = new Set<string>();
let [atOnce, atOnceMax] = [0, 0];

async function order(user: string, key: string | undefined): Promise<boolean | undefined> {
  const account = accounts.get(user) ?? { orders: 0, paid: 0 };
  accounts.set(user, account);
  account.orders += 1;
  const manner = manners.get(user);
  const isFirst = account.orders === 1;
  if (isFirst && manner === 'silent') return undefined;
  const isRefused = manner === 'refuses' || (manner === 'fails twice' && account.orders <= 2);
  if (!isRefused) payOnce(account, key);
  if (isFirst && manner === 'silent once paid') return undefined;
  atOnce += 1;
  atOnceMax = Math.max(atOnceMax, atOnce);
  await sleep(isFirst && manner === 'slow' ? SLOW_MS : WORK_MS);
  atOnce -= 1;
  return !isRefused;
}

function payOnce(account: Account, key: string | undefined): void {
  if (key !== undefined && keys.has(key)) return;
  if (key !== undefined) keys.add(key);
  account.paid += 1;
  account.firstPaidMs ??= Date.now();
}

async function hear(socket: Socket, line: string): Promise<void> {
  const { report, manner, user, key } = JSON.parse(line);
  const say = (answer: object) => socket.write(`${JSON.stringify(answer)}\n`);
  if (report) say({ accounts: Object.fromEntries(accounts), atOnceMax });
  else if (manner !== undefined) say({ known: manners.set(user, manner).size });
  else {
    const paid = await order(String(user), key);
    if (paid !== undefined) say({ paid });
  }
}

createServer({ noDelay: true }, socket => {
  socket.on('error', () => {});
  createInterface({ input: socket })
    .on('line', line => void hear(socket, line))
    .on('error', () => {});
}).listen(Number(flags.port), '127.0.0.1');

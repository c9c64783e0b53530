/**
 * The database of lesson 17: balances with versions, behind a way that takes time. It counts what it is asked. A query takes
 * 100 ms, and 100 run at a time; others wait. A line of JSON in, a line out, under the number `n` of its question, in the
 * order in which they are done:
 *
 *   {"n":1,"type":"get","user":"alice"}              {"n":1,"balance":5,"version":1}, a query
 *   {"n":2,"type":"add","user":"alice","amount":5}   the same after it; without a balance if that would be too large
 *   {"n":3,"type":"version","user":"alice"}          {"n":3,"version":1}, without a query
 *   {"n":4,"type":"subscribe"}                       {"n":4}, and from then on {"changed":"alice","version":2}
 *   {"n":5,"type":"calls"}                           {"n":5,"gets":1,"adds":1,"versions":1,"underWay":0}
 */
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { linesOf } from '../lesson-kit/shared/lines.ts';

const QUERY_MS = 100;
const QUERIES_MAX = 100;
const QUICK_MS = 5;

interface Row {
  balance: number;
  version: number;
}

interface Question {
  n: number;
  type: string;
  user: string;
  amount: number;
}

const { values: flags } = parseArgs({ options: { port: { type: 'string', default: '7879' } } });
const rows = new Map<string, Row>();
const subscribers = new Set<Socket>();
const calls = { gets: 0, adds: 0, versions: 0, underWay: 0 };
const waiting: (() => void)[] = [];
let running = 0;

const rowOf = (user: string) => rows.get(user) ?? { balance: 0, version: 0 };

/** What is read is as it was when the query began. */
async function get(user: string): Promise<Row> {
  calls.gets += 1;
  calls.underWay += 1;
  if (running === QUERIES_MAX) await new Promise<void>(resolve => waiting.push(resolve));
  else running += 1;
  const row = rowOf(user);
  await sleep(QUERY_MS);
  calls.underWay -= 1;
  const next = waiting.shift();
  if (next === undefined) running -= 1;
  else next();
  return row;
}

async function add(user: string, amount: number): Promise<Row | object> {
  calls.adds += 1;
  const { balance, version } = rowOf(user);
  const row = { balance: balance + amount, version: version + 1 };
  const isRight = Number.isSafeInteger(row.balance);
  if (isRight) rows.set(user, row);
  await sleep(QUICK_MS);
  if (!isRight) return {};
  for (const subscriber of subscribers) send(subscriber, { changed: user, version: row.version });
  return row;
}

async function versionOf(user: string): Promise<object> {
  calls.versions += 1;
  await sleep(QUICK_MS);
  return { version: rowOf(user).version };
}

function answer({ type, user, amount }: Question, socket: Socket): object | Promise<object> {
  if (type === 'get') return get(user);
  if (type === 'add') return add(user, amount);
  if (type === 'version') return versionOf(user);
  if (type === 'subscribe') subscribers.add(socket);
  return type === 'calls' ? calls : {};
}

async function speak(socket: Socket): Promise<void> {
  socket.on('error', () => {}).on('close', () => subscribers.delete(socket));
  for await (const line of linesOf(socket)) {
    const question = JSON.parse(line.toString()) as Question;
    void (async () => send(socket, { n: question.n, ...(await answer(question, socket)) }))();
  }
  socket.end();
}

function send(socket: Socket, answer: object): void {
  socket.write(`${JSON.stringify(answer)}\n`);
}

createServer({ noDelay: true }, socket => void speak(socket).catch(() => socket.destroy())).listen(
  Number(flags.port),
  '127.0.0.1',
);

/**
 * Servers that are wrong on purpose, each in one way. They speak the protocol, ids, minima and transfers included, keep
 * a balance a user, and live in the process of the test. A checker that has never found anything has not been checked.
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterAll } from 'vitest';
import { ACCEPTED, INSUFFICIENT, okLine } from '../support/asking.ts';

export interface Asked {
  line: string;
  kind: 'event' | 'balance' | 'other';
  /** Of all lines of this kind, on all connections; from 1. */
  number: number;
}

export interface Fault {
  /** How often an event is applied that was accepted. */
  applies?: (event: number) => number;
  /** How often the user whom a transfer goes to gets the amount. */
  gives?: (event: number) => number;
  /** What comes again with its id is applied again. */
  forgetsIds?: boolean;
  /** What is sent for a line, if not the reply it should get. */
  says?: (reply: string, asked: Asked, socket: Socket) => string;
  /** In place of all the above: what becomes of a connection. */
  hears?: (socket: Socket) => void;
  /** Each connection gets its replies one at a time, with so much between them. */
  everyMs?: number;
  /** Sent when a client has ended its side. */
  lastWords?: string;
}

export interface WrongServer {
  port: number;
  /** Lines that have come, by kind. */
  counts: Record<Asked['kind'], number>;
}

const closers: (() => void)[] = [];
afterAll(() => {
  for (const close of closers.splice(0)) close();
});

/** Lives until the tests of its file are over. */
export async function startWrongServer(fault: Fault = {}): Promise<WrongServer> {
  const { applies = () => 1, gives = () => 1, forgetsIds = false } = fault;
  const { says = reply => reply, hears, everyMs, lastWords = '' } = fault;
  const balances = new Map<string, number>();
  const balanceOf = (user: string) => balances.get(user) ?? 0;
  /** By user and id. */
  const decided = new Map<string, string>();
  const counts = { event: 0, balance: 0, other: 0 };
  const sockets = new Set<Socket>();

  const answer = (line: string, socket: Socket): string => {
    const request = parse(line);
    const { type, user = '', action, id, from = user } = request;
    if (action === undefined && type !== 'transfer') {
      const kind = type === 'balance' ? 'balance' : 'other';
      const asked = { line, kind, number: ++counts[kind] } as const;
      return says(`${kind === 'balance' ? okLine(balanceOf(user)) : otherReply(type)}\n`, asked, socket);
    }
    const number = ++counts.event;
    const key = `${from} ${id}`;
    const before = id === undefined || forgetsIds ? undefined : decided.get(key);
    const reply = before ?? decide(from, request, number);
    if (id !== undefined) decided.set(key, reply);
    return says(`${reply}\n`, { line, kind: 'event', number }, socket);
  };

  const decide = (user: string, { action, amount = 0, to, min, wait }: Request, number: number): string => {
    const after = balanceOf(user) + (action === 'buy' ? amount : -amount) * applies(number);
    if (min !== undefined && after < min) return INSUFFICIENT;
    balances.set(user, after);
    if (to !== undefined) balances.set(to, balanceOf(to) + amount * gives(number));
    return wait || min !== undefined || to !== undefined ? okLine(after) : ACCEPTED;
  };

  const server = createServer({ allowHalfOpen: true }, socket => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    if (hears) return hears(socket);
    let rest = '';
    let queue: string[] = [];
    let timer: NodeJS.Timeout | undefined;
    const releaseOne = () => {
      const reply = queue.shift();
      if (reply === undefined) {
        clearInterval(timer);
        timer = undefined;
      } else if (socket.writable) socket.write(reply);
    };
    socket.setEncoding('latin1').on('data', (chunk: unknown) => {
      const lines = (rest + (chunk as string)).split('\n');
      rest = lines.pop()!;
      const replies = lines.map(line => answer(line, socket));
      if (everyMs !== undefined) {
        queue = queue.concat(replies);
        timer ??= setInterval(releaseOne, everyMs);
      } else if (socket.writable) socket.write(replies.join(''));
    });
    socket.on('end', () => {
      clearInterval(timer);
      socket.end(lastWords);
    });
    socket.on('close', () => clearInterval(timer));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as { port: number }).port, counts };
}

function otherReply(type: string | undefined): string {
  if (type === 'health') return '{"status":"ok"}';
  if (type === 'metrics') return '{"received":1,"processed":1,"dropped":0}';
  return '{"status":"error","reason":"invalid_event"}';
}

interface Request {
  type?: string;
  user?: string;
  action?: string;
  amount?: number;
  wait?: boolean;
  id?: string;
  min?: number;
  from?: string;
  to?: string;
}

function parse(line: string): Request {
  try {
    return (JSON.parse(line) ?? {}) as Request;
  } catch {
    return {};
  }
}

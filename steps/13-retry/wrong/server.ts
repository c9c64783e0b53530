/**
 * Lesson 13: the balances are in Redis, so any number of instances can serve them. An event may have an `id`, under which
 * its reply is remembered there, too: a client that saw no reply sends the same line again.
 *
 * WRONG ON PURPOSE: the balance and the id are two writes. Between them the server may die, or the same event may come a
 * second time. See README.md.
 */
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { type Event, error, isUser, type Request, rejected, reply } from './request.ts';
import { serve } from './serve.ts';

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '7878' },
    'redis-url': { type: 'string', default: 'redis://127.0.0.1:6379' },
    'ids-ms': { type: 'string', default: '600000' },
    way: { type: 'string', default: 'after' },
  },
});
const ID_BYTES_MAX = 64;
const idsMs = Number(flags['ids-ms']);
const redis = new Redis(flags['redis-url']);

/** The balance after it; nothing if that would be too large. Redis runs one script at a time. */
const ADD = `
  local sum = tonumber(redis.call('GET', KEYS[1]) or '0') + tonumber(ARGV[1])
  if math.abs(sum) > 9007199254740991 then return false end
  redis.call('INCRBY', KEYS[1], ARGV[1])
  return redis.call('GET', KEYS[1])`;

async function answer(request: Request): Promise<string> {
  if (request.type === 'health') return reply('ok');
  if (request.type === 'balance') return reply('ok', { balance: await balanceOf(request.user) });
  if (request.type === 'other') return error('unknown_type');
  const { id } = request.fields;
  if (id === undefined) return apply(request);
  return isId(id) ? once(request, keyOf(request.user, id)) : error('invalid_event');
}

function isId(id: unknown): id is string {
  return isUser(id) && Buffer.byteLength(id) <= ID_BYTES_MAX;
}

const keyOf = (user: string, id: string) => `id:${JSON.stringify([user, id])}`;

async function balanceOf(user: string): Promise<number> {
  return Number(await redis.get(`balance:${user}`));
}

function once(event: Event, key: string): Promise<string> {
  if (flags.way === 'none') return apply(event);
  return flags.way === 'before' ? onceMarked(event, key) : onceAnswered(event, key);
}

/** Answered before? If not, it is done, and its reply is remembered. */
async function onceAnswered(event: Event, key: string): Promise<string> {
  const first = await redis.get(key);
  if (first !== null) return first;
  const answer = await apply(event);
  await redis.set(key, answer, 'PX', idsMs);
  return answer;
}

/** Whoever sets the mark does it. The others are told that it is done. */
async function onceMarked(event: Event, key: string): Promise<string> {
  const isFirst = await redis.set(key, 'seen', 'PX', idsMs, 'NX');
  return isFirst ? apply(event) : replyTo(event, await balanceOf(event.user));
}

async function apply(event: Event): Promise<string> {
  const balance = (await redis.eval(ADD, 1, `balance:${event.user}`, event.amount)) as string | null;
  return balance === null ? rejected('balance_overflow') : replyTo(event, Number(balance));
}

function replyTo({ wait }: Event, balance: number): string {
  return wait ? reply('ok', { balance }) : reply('accepted');
}

serve(Number(flags.port), answer);

/**
 * Lesson 13: the balances are in Redis, so any number of instances can serve them. An event may have an `id`, under which
 * its reply is remembered there, too: a client that saw no reply sends the same line again.
 *
 * The balance and the id are written by one script: nothing else runs meanwhile. See README.md.
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
  },
});
const ID_BYTES_MAX = 64;
const idsMs = Number(flags['ids-ms']);
const redis = new Redis(flags['redis-url']);

/** What was asked and the balance after it, `5 true 70`, now or the first time. Redis runs one script at a time. */
const ONCE = `
  local first = KEYS[2] and redis.call('GET', KEYS[2])
  if first then return first end
  local sum = tonumber(redis.call('GET', KEYS[1]) or '0') + tonumber(ARGV[1])
  local balance = 'none'
  if math.abs(sum) <= 9007199254740991 then
    redis.call('INCRBY', KEYS[1], ARGV[1])
    balance = redis.call('GET', KEYS[1])
  end
  local outcome = ARGV[1] .. ' ' .. ARGV[2] .. ' ' .. balance
  if KEYS[2] then redis.call('SET', KEYS[2], outcome, 'PX', ARGV[3]) end
  return outcome`;

async function answer(request: Request): Promise<string> {
  if (request.type === 'health') return reply('ok');
  if (request.type === 'balance') return reply('ok', { balance: await balanceOf(request.user) });
  if (request.type === 'other') return error('unknown_type');
  const { id } = request.fields;
  if (id === undefined) return apply(request, []);
  return isId(id) ? apply(request, [keyOf(request.user, id)]) : error('invalid_event');
}

function isId(id: unknown): id is string {
  return isUser(id) && Buffer.byteLength(id) <= ID_BYTES_MAX;
}

const keyOf = (user: string, id: string) => `id:${JSON.stringify([user, id])}`;

async function balanceOf(user: string): Promise<number> {
  return Number(await redis.get(`balance:${user}`));
}

async function apply(event: Event, ids: readonly string[]): Promise<string> {
  const asked = [String(event.amount), String(event.wait)];
  try {
    const keys = [`balance:${event.user}`, ...ids];
    const outcome = String(await redis.eval(ONCE, keys.length, ...keys, ...asked, idsMs)).split(' ');
    if (asked.some((word, at) => word !== outcome[at])) return rejected('id_reused');
    return outcome[2] === 'none' ? rejected('balance_overflow') : replyTo(event, Number(outcome[2]));
  } catch (error) {
    // Full of ids that may not be forgotten yet. Of any other error nobody knows what was done: no reply, ask again.
    if (String(error).includes('OOM')) return rejected('server_busy');
    throw error;
  }
}

function replyTo({ wait }: Event, balance: number): string {
  return wait ? reply('ok', { balance }) : reply('accepted');
}

serve(Number(flags.port), answer);

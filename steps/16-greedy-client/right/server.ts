/**
 * Lesson 16: each user may send `--limit` events at once, and on average as many in `--window-ms`, whichever instance it
 * talks to, and whatever the clocks of the instances say. See README.md.
 */
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { type Event, error, type Request, rejected, reply } from './request.ts';
import { serve } from './serve.ts';
import { WAYS } from './ways.ts';

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '7878' },
    'redis-url': { type: 'string', default: 'redis://127.0.0.1:6379' },
    way: { type: 'string', default: 'bucket' },
    limit: { type: 'string', default: '1000' },
    'window-ms': { type: 'string', default: '1000' },
    'clock-ahead-ms': { type: 'string', default: '0' },
  },
});
// The clock of this machine, which may be wrong.
const clock = Date.now;
Date.now = () => clock() + Number(flags['clock-ahead-ms']);
const redis = new Redis(flags['redis-url'], { lazyConnect: true });
const mayPass = WAYS[flags.way]!(redis, Number(flags.limit), Number(flags['window-ms']));
const balances = new Map<string, number>();

function answer(request: Request): string | Promise<string> {
  if (request.type === 'health') return reply('ok');
  if (request.type === 'balance') return reply('ok', { balance: balances.get(request.user) ?? 0 });
  return request.type === 'event' ? accept(request) : error('unknown_type');
}

async function accept({ user, amount, wait }: Event): Promise<string> {
  if (!(await mayPass(user))) return rejected('rate_limited');
  const balance = (balances.get(user) ?? 0) + amount;
  if (!Number.isSafeInteger(balance)) return rejected('balance_overflow');
  balances.set(user, balance);
  return wait ? reply('ok', { balance }) : reply('accepted');
}

serve(Number(flags.port), answer);

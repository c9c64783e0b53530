/**
 * Lesson 20: `{"type":"rate","currency":"EUR"}` is a question that another service answers. The server works on a hundred
 * requests at a time. A call that has no answer in time is made again after a pause, until there is one; or, `--way
 * waits`, a call has all the time that it takes.
 *
 * WRONG ON PURPOSE: who has asked may have left long ago, and the work for them goes on. See README.md.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ask } from './downstream.ts';
import { type Event, error, type Fields, type Request, rejected, reply } from './request.ts';
import { serve } from './serve.ts';
import { slots } from './slots.ts';

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '7878' },
    way: { type: 'string', default: 'retries' },
    'rates-url': { type: 'string', default: 'tcp://127.0.0.1:7879' },
  },
});
const REQUESTS_MAX = 100;
const TIMER_MS_MAX = 2 ** 31 - 1;
const TRY_MS = flags.way === 'waits' ? TIMER_MS_MAX : 100;
const PAUSE_MS = 50;
const rates = new URL(flags['rates-url']);
const balances = new Map<string, number>();
const inTurn = slots(REQUESTS_MAX);

async function work(request: Request): Promise<string> {
  if (request.type === 'health') return reply('ok');
  if (request.type === 'balance') return reply('ok', { balance: balances.get(request.user) ?? 0 });
  if (request.type === 'event') return accept(request);
  return request.name === 'rate' ? rateOf(request.fields) : error('unknown_type');
}

async function rateOf({ currency }: Fields): Promise<string> {
  if (typeof currency !== 'string' || !/^[A-Z]{3}$/.test(currency)) return error('invalid_event');
  for (;;) {
    const rate = await ask(rates, { currency }, TRY_MS);
    if (rate !== undefined) return reply('ok', rate);
    await sleep(PAUSE_MS);
  }
}

function accept({ user, amount, wait }: Event): string {
  const balance = (balances.get(user) ?? 0) + amount;
  if (!Number.isSafeInteger(balance)) return rejected('balance_overflow');
  balances.set(user, balance);
  return wait ? reply('ok', { balance }) : reply('accepted');
}

serve(Number(flags.port), request => inTurn(() => work(request)));

/**
 * Lesson 20: `{"type":"rate","currency":"EUR","within_ms":400}` is a question that another service answers, in that time.
 * Where the guard allows no call, or none is answered, the last known rate is the answer. See README.md.
 */
import { parseArgs } from 'node:util';
import { ask, type Rate } from './downstream.ts';
import { mayCall, wasCalled } from './guard.ts';
import { type Event, error, type Fields, isAmount, type Request, rejected, reply } from './request.ts';
import { serve } from './serve.ts';
import { slots } from './slots.ts';

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '7878' },
    'rates-url': { type: 'string', default: 'tcp://127.0.0.1:7879' },
  },
});
const REQUESTS_MAX = 100;
const WITHIN_MS_MAX = 10_000;
const TRY_MS_MIN = 20;
const rates = new URL(flags['rates-url']);
const known = new Map<string, Rate>();
const balances = new Map<string, number>();
const inTurn = slots(REQUESTS_MAX);

async function work(request: Request): Promise<string> {
  if (request.type === 'health') return reply('ok');
  if (request.type === 'balance') return reply('ok', { balance: balances.get(request.user) ?? 0 });
  if (request.type === 'event') return accept(request);
  return request.name === 'rate' ? rateOf(request.fields) : error('unknown_type');
}

/** Each try has half of the time that is left: there is some for another, and for the way back. */
async function rateOf({ currency, within_ms: withinMs = 500 }: Fields): Promise<string> {
  if (typeof currency !== 'string' || !/^[A-Z]{3}$/.test(currency)) return error('invalid_event');
  if (!isAmount(withinMs)) return error('invalid_event');
  let tryMs = Math.min(withinMs, WITHIN_MS_MAX) / 2;
  for (let isRetry = false; tryMs > TRY_MS_MIN && mayCall(isRetry); isRetry = true) {
    const rate = await ask(rates, { currency, within_ms: tryMs }, tryMs);
    wasCalled(rate !== undefined);
    if (rate !== undefined) known.set(currency, rate);
    if (rate !== undefined) return reply('ok', rate);
    tryMs /= 2;
  }
  const last = known.get(currency);
  return last === undefined ? rejected('rate_unknown') : reply('ok', last);
}

function accept({ user, amount, wait }: Event): string {
  const balance = (balances.get(user) ?? 0) + amount;
  if (!Number.isSafeInteger(balance)) return rejected('balance_overflow');
  balances.set(user, balance);
  return wait ? reply('ok', { balance }) : reply('accepted');
}

serve(Number(flags.port), request => inTurn(() => work(request)));

/**
 * Lesson 18: the balances are in SQLite, and all of them in a map in front of it, which answers. A change is on the disk
 * before its client hears of it: in a log, behind which the database is written later, or in the database itself.
 *
 * There is nothing to do at the end: to be killed is how it ends. See README.md.
 */
import { mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Event, error, type Request, rejected, reply } from './request.ts';
import { serve } from './serve.ts';
import { type Balance, openStore } from './store.ts';
import { openLog, WAYS } from './ways.ts';

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '7878' },
    data: { type: 'string', default: './data' },
    way: { type: 'string', default: 'log' },
  },
});
mkdirSync(flags.data, { recursive: true });
const store = openStore(`${flags.data}/balances.db`);
const keep = WAYS[flags.way]!(store, openLog(flags.data, store));
const balances = new Map(store.all());
/** Not yet on the disk, and the promise that they are. */
let changed: Balance[] = [];
let kept: Promise<void> | undefined;

async function answer(request: Request): Promise<string> {
  if (request.type === 'health') return reply('ok');
  if (request.type === 'event') return accept(request);
  if (request.type !== 'balance') return error('unknown_type');
  const balance = balances.get(request.user) ?? 0;
  // Nobody is told of money that a crash could still take away.
  await kept;
  return reply('ok', { balance });
}

async function accept({ user, amount, wait }: Event): Promise<string> {
  const balance = (balances.get(user) ?? 0) + amount;
  if (!Number.isSafeInteger(balance)) return rejected('balance_overflow');
  balances.set(user, balance);
  changed.push([user, balance]);
  kept ??= new Promise(resolve => setImmediate(keepAll, resolve));
  await kept;
  return wait ? reply('ok', { balance }) : reply('accepted');
}

/** At the end of a turn of the event loop. An error ends the program: what is on the disk then, the next start reads. */
function keepAll(done: () => void): void {
  keep(changed);
  changed = [];
  kept = undefined;
  done();
}

serve(Number(flags.port), answer);

/**
 * Throughput by the number of workers: events that each cost a wait of 50 µs, like a write to a slow device, applied
 * by 1, 2, 4 and 8 workers.
 *
 * More events than needed are quickly queued for every worker; then nothing is sent, and the count of applied events
 * is read twice while every worker still has work. So no worker waits for the clients, or because of an uneven
 * distribution of users. A wait takes no processor time, so this works on a small machine, too: the only limit is
 * what the workers share.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { drawUniform, randomFrom } from '../../src/tools/load/random.ts';
import type { Bench, Measure, Size } from '../bench.ts';
import { alternate, type Figure, type Trial } from '../rounds.ts';
import { Asker } from './asker.ts';
import type { PeerProcess } from './process.ts';
import { startTally, TALLY } from './subjects.ts';
import { onFresh, ROUNDS, SpoiltError, USERS, untilSound } from './trial.ts';

const WORKERS: Record<Size, number[]> = { small: [1, 2], full: [1, 2, 4, 8] };
const WORK = ['--work', 'block', '--work-us', '50'];
/** For about 3 s: an event with a wait of 50 µs takes about 130, because of timer slack and the wake-up of a thread. */
const EVENTS_EACH: Record<Size, number> = { small: 2_000, full: 22_500 };
/** Between these shares of the events being applied it is measured. */
const FROM = 0.1;
const UNTIL = 0.75;
const LOOK_MS = 10;
const CONNECTIONS = 8;
const AMOUNT = 50;
const SEED = 1;
const RATE = 'events/s';

export const bench: Bench = {
  name: 'workers',
  about: 'Tally alone: events a second that 1 to 8 workers apply, when each event is a wait of 50 µs',
  async run(size, say) {
    const trials: Trial[] = WORKERS[size].map(workers => ({
      subject: TALLY.name,
      condition: `${workers} worker${workers === 1 ? '' : 's'}`,
      run: () => untilSound(() => applyEvents(workers, EVENTS_EACH[size] * workers), say),
    }));
    const rates = await alternate(ROUNDS[size], trials, say);
    return [...rates, ...sharesOf(rates, WORKERS[size])];
  },
};

/** Each rate as a share of the ideal: the rate of one worker alone, in the same round, times the number of workers. */
function sharesOf(rates: Measure[], workers: number[]): Measure[] {
  const alone = rates[0]!.samples;
  return rates.map((measure, index) => ({
    ...measure,
    unit: 'of workers × the rate of one',
    samples: measure.samples.map((rate, round) => rate / (workers[index]! * alone[round]!)),
  }));
}

async function applyEvents(workers: number, count: number): Promise<Figure[]> {
  const server = { ...TALLY, start: () => startTally([...WORK, '--workers', String(workers)]) };
  const rate = await onFresh(server, running => measureRate(running, count));
  return [{ unit: RATE, better: 'higher', value: rate }];
}

async function measureRate(running: PeerProcess, count: number): Promise<number> {
  const drawUser = drawUniform(USERS, randomFrom(SEED));
  const users = Array.from({ length: count }, drawUser);
  const askers = await Promise.all(Array.from({ length: CONNECTIONS }, () => Asker.open(running.port)));
  try {
    await Promise.all(askers.map((asker, index) => sendEvents(asker, shareOf(users, index))));
    const asker = askers[0]!;
    const first = await reached(asker, FROM * count);
    const last = await reached(asker, UNTIL * count);
    if (first.processed >= UNTIL * count)
      throw new SpoiltError(`${first.processed} of ${count} events were applied before all were sent`);
    if (last.ring_depths.some(depth => depth === 0))
      throw new SpoiltError(`a worker ran dry when ${last.processed} of ${count} events were applied`);
    await reached(asker, count);
    await checkMoney(asker, users);
    return ((last.processed - first.processed) * 1_000) / (last.atMs - first.atMs);
  } finally {
    for (const asker of askers) asker.close();
  }
}

/** Every n-th, for the n connections. */
function shareOf(users: number[], index: number): number[] {
  return users.filter((_, at) => at % CONNECTIONS === index);
}

function sendEvents(asker: Asker, users: number[]): Promise<void> {
  const lines = users.map(user => `{"user":"u${user}","action":"buy","amount":${AMOUNT}}\n`).join('');
  return asker.send(Buffer.from(lines), Buffer.from('{"status":"accepted"}\n'.repeat(users.length)));
}

interface Reached {
  atMs: number;
  processed: number;
  ring_depths: number[];
}

/** Polls until `events` events have been applied. */
async function reached(asker: Asker, events: number): Promise<Reached> {
  for (;;) {
    const reply = await asker.ask('{"type":"metrics","detail":true}');
    const atMs = performance.now();
    const { processed, ring_depths } = JSON.parse(reply) as Omit<Reached, 'atMs'>;
    if (processed >= events) return { atMs, processed, ring_depths };
    await sleep(LOOK_MS);
  }
}

async function checkMoney(asker: Asker, users: number[]): Promise<void> {
  const balances = new Float64Array(USERS);
  for (const user of users) balances[user]! += AMOUNT;
  const requests = Array.from(balances, (_, user) => `{"type":"balance","user":"u${user}"}\n`);
  const replies = Array.from(balances, balance => `{"status":"ok","balance":${balance}}\n`);
  await asker.send(Buffer.from(requests.join('')), Buffer.from(replies.join('')));
}

/**
 * Tally while its users grow from none to ten million, as fast as one client can bring them: how long health takes on
 * another connection, by million. Each growth of the server's memory shows, as does a pause to make room. At the end, the
 * same flood of users that it knows: what is left is not the growth.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../../src/tools/harness/client.ts';
import { quantileOf } from '../../src/tools/harness/samples.ts';
import type { Bench, Measure, Size } from '../bench.ts';
import { runThreads } from '../micro/thread.ts';
import type { NewcomersWork } from './newcomers-thread.ts';
import { startTally, TALLY } from './subjects.ts';
import { onFresh } from './trial.ts';

/** Users of each part, and the parts. */
const PART: Record<Size, number> = { small: 20_000, full: 1_000_000 };
const PARTS: Record<Size, number> = { small: 2, full: 10 };
const ROUNDS: Record<Size, number> = { small: 1, full: 3 };
const WARM_UPS = 20;
const USERS_MAX = 16_000_000;
const ASK_EVERY_MS = 2;
const HEALTH = '{"type":"health"}\n';

export const bench: Bench = {
  name: 'growing',
  about: 'Tally alone, while users grow from none to ten million: how long health takes',
  async run(size, say) {
    const measures = new Map<string, Measure>();
    for (let round = 1; round <= ROUNDS[size]; round++)
      await onFresh(
        { ...TALLY, start: () => startTally(['--users', String(USERS_MAX)]) },
        async ({ port }) => {
          // The first events of a server are slow, whoever they are of.
          for (let warmUp = 0; warmUp < WARM_UPS; warmUp++) await flood(port, 0, PART[size] / 100);
          for (let part = 0; part < PARTS[size]; part++) {
            say(`round ${round}: from ${named(part * PART[size])} users`);
            const to = (part + 1) * PART[size];
            await grow(port, to - PART[size], PART[size], `to ${named(to)} users`, measures);
          }
          await grow(port, 0, PART[size], 'of known users', measures);
          await checkUsers(port, PARTS[size] * PART[size]);
        },
      );
    return [...measures.values()];
  },
};

async function grow(
  port: number,
  from: number,
  users: number,
  condition: string,
  measures: Map<string, Measure>,
): Promise<void> {
  const startMs = performance.now();
  let isOver = false;
  const growing = flood(port, from, users).finally(() => {
    isOver = true;
  });
  const timesMs = await askWhile(port, () => !isOver);
  await growing;
  const elapsedS = (performance.now() - startMs) / 1_000;
  const figures: [unit: string, better: Measure['better'], value: number][] = [
    ['new users/s', 'higher', users / elapsedS],
    ['ms until health is answered, p50', 'lower', quantileOf(timesMs, 0.5)],
    ['ms until health is answered, p99', 'lower', quantileOf(timesMs, 0.99)],
    ['ms until health is answered, most', 'lower', Math.max(...timesMs)],
  ];
  for (const [unit, better, value] of figures) {
    const key = `${condition} ${unit}`;
    if (!measures.has(key)) measures.set(key, { subject: TALLY.name, condition, unit, better, samples: [] });
    measures.get(key)!.samples.push(value);
  }
}

async function flood(port: number, from: number, users: number): Promise<void> {
  const work: NewcomersWork = { port, from, users };
  await runThreads('newcomers-thread', [work], [], import.meta.url);
}

/** Asks on schedule, whether or not earlier questions are answered. */
async function askWhile(port: number, isGoingOn: () => boolean): Promise<number[]> {
  const asker = await Client.open(port);
  const answers: Promise<number>[] = [];
  for (let dueMs = performance.now(); isGoingOn(); dueMs += ASK_EVERY_MS) {
    const aheadMs = dueMs - performance.now();
    if (aheadMs > 0) await sleep(aheadMs);
    answers.push(asker.ask(HEALTH).then(() => performance.now() - dueMs));
  }
  const timesMs = await Promise.all(answers);
  asker.close();
  return timesMs;
}

async function checkUsers(port: number, users: number): Promise<void> {
  const asker = await Client.open(port);
  const metrics = JSON.parse(await asker.ask('{"type":"metrics","detail":true}\n'));
  asker.close();
  if (metrics.users !== users) throw new Error(`there are ${metrics.users} users, not ${users}`);
}

function named(count: number): string {
  return count.toLocaleString('en-US');
}

/** The balances of many users are those behind all that was accepted, in rings that have room for few requests. */
import { afterEach, expect, test } from 'vitest';
import { Engine } from '../../src/engine/engine.ts';
import type { Indexed } from '../../src/engine/reading.ts';
import { drawHashSeed, hashName } from '../../src/protocol/hash.ts';
import { Outcome } from '../../src/protocol/outcome.ts';
import { emptyRequest } from '../../src/protocol/request.ts';

const SEED = drawHashSeed();
const USERS = 300;

const names = Buffer.alloc(64);
const view = new DataView(names.buffer, names.byteOffset, names.length);
let engine: Engine;
afterEach(async () => {
  engine.workers.terminate();
  await engine.workers.join();
});

async function start(ring: number): Promise<void> {
  const options = { workers: 2, ring, users: 1_000, workUs: 0, work: 'cpu' } as const;
  engine = new Engine(view, options, { onDeath: () => {}, onReplaced: () => {} });
  await engine.workers.start();
}

/** Until it is accepted. */
async function buy(user: number, amount: number): Promise<void> {
  for (;;) {
    const nameBytes = names.write(`user${user}`);
    const hash = hashName(view, 0, nameBytes, SEED);
    const outcome = engine.submit({ ...emptyRequest(), nameBytes, hash, amount });
    engine.publish();
    if (outcome === Outcome.accepted) return;
    await new Promise(resolve => setTimeout(resolve, 1));
  }
}

/** In the order of their numbers. */
function everybody(): Indexed[] {
  const users: Indexed[] = [];
  engine.users.visit((bytes, at, length, index, hash) => {
    users[
      Number(
        Buffer.from(bytes.subarray(at, at + length))
          .toString()
          .slice(4),
      )
    ] = { index, hash };
  });
  return users;
}

const expected = (amount: number) => Array.from({ length: USERS }, (_, user) => user * amount + 1);

test.each([2, 64, 65_536])('in rings of %i slots, settled and not', async ring => {
  await start(ring);
  for (let user = 0; user < USERS; user++) await buy(user, user + 1);
  expect(await engine.reading.balancesOf(everybody())).toEqual(expected(1));
  for (let user = 0; user < USERS; user++) if (user > 0) await buy(user, user);
  // Not settled: the last ones are on their way.
  expect(await engine.reading.balancesOf(everybody())).toEqual(expected(2));
  expect(await engine.reading.balancesOf([])).toEqual([]);
});

test('waits for a worker that does nothing, and reads nothing that it may still write', async () => {
  await start(1_024);
  for (let user = 0; user < USERS; user++) await buy(user, user + 1);
  expect(await engine.reading.balancesOf(everybody())).toEqual(expected(1));
  engine.experiments.freeze(true);
  for (let user = 1; user < USERS; user++) await buy(user, user);
  let isRead = false;
  const reading = engine.reading.balancesOf(everybody()).finally(() => {
    isRead = true;
  });
  await new Promise(resolve => setTimeout(resolve, 30));
  expect(isRead).toBe(false);
  engine.experiments.freeze(false);
  expect(await reading).toEqual(expected(2));
});

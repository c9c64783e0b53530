/**
 * Nodes over streams in memory, in orders drawn at random: all agree in the end, each event and transfer counts once, and
 * what was said is so.
 */
import { expect, test } from 'vitest';
import { Outcome } from '../../src/protocol/outcome.ts';
import { type Told, type Wish, World } from './world.ts';

/** Mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The balances of all users, by name. */
function balancesOf({ machine }: World['seats'][number]): Map<string, number> {
  const balances = new Map<string, number>();
  machine.users.visit((bytes, at, length, index) => {
    balances.set(Buffer.from(bytes.subarray(at, at + length)).toString(), machine.balances[index]!);
  });
  return new Map([...balances].sort(([one], [other]) => one.localeCompare(other)));
}

function expectAgreement({ seats }: World): void {
  const [first, ...others] = seats.map(balancesOf);
  for (const other of others) expect(other).toEqual(first);
  for (const { machine } of seats) {
    expect(machine.inTransit).toBe(0);
    expect(machine.parts.map(({ ids }) => ids.count)).toEqual(
      seats[0]!.machine.parts.map(({ ids }) => ids.count),
    );
    for (const row of [...machine.credits, ...machine.refunds].flat()) expect(row.open.size).toBe(0);
  }
}

/** What each wish adds to each user if it was done. */
function addUp(balances: Map<string, number>, { user, to, amount }: Wish): void {
  const add = (name: string, by: number) => balances.set(name, (balances.get(name) ?? 0) + by);
  add(user, to === undefined ? amount : -amount);
  if (to !== undefined) add(to, amount);
}

const USERS = 12;
const RUNS = 60;

test('whatever is drawn, nodes agree, and each accepted event and transfer counts once', () => {
  let resent = 0;
  let insufficient = 0;
  let transfers = 0;
  let reads = 0;
  for (let seed = 1; seed <= RUNS; seed++) {
    const random = randomFrom(seed);
    const below = (end: number) => Math.floor(random() * end);
    const world = new World(3, random);
    const told: { seat: number; said: Told }[] = [];
    const byId = new Map<number, Told[]>();
    const ask = (seat: number, wish: Wish) => {
      const said = world.ask(seat, wish);
      told.push({ seat, said });
      if (wish.id !== undefined) byId.set(wish.id, [...(byId.get(wish.id) ?? []), said]);
      return said;
    };
    for (let round = 0; round < 120; round++) {
      const seat = below(3);
      const wish: Wish = { user: `user ${below(USERS)}`, amount: 1 + below(50), id: round };
      if (random() < 0.3) wish.amount = -wish.amount;
      if (random() < 0.35) {
        wish.to = `user ${(Number(wish.user.slice(5)) + 1 + below(USERS - 1)) % USERS}`;
        wish.amount = Math.abs(wish.amount);
      } else if (random() < 0.3) wish.wait = true;
      if (random() < 0.3) wish.min = -below(100);
      ask(seat, wish);
      // The same again, elsewhere, at once.
      if (random() < 0.1) ask(below(3), wish);
      for (let steps = below(12); steps > 0; steps--) world.step();
      if (random() < 0.03) world.kill(below(3));
      if (random() < 0.2) {
        const user = `user ${below(USERS)}`;
        const fresh = world.read(below(3), user, true);
        for (let steps = below(30); steps > 0; steps--) world.step();
        if (fresh.balance !== undefined) reads += 1;
      }
    }
    world.settle();
    // Who has died owes replies: those are asked for again, until there is one for each id.
    for (let round = 0; round < 3; round++) {
      for (const all of byId.values()) {
        if (all.some(({ outcome }) => outcome !== undefined)) continue;
        resent += 1;
        ask(below(3), all[0]!.wish);
      }
      world.settle();
    }
    const wanted = new Map<string, number>();
    for (const all of byId.values()) {
      const said = all.filter(({ outcome }) => outcome !== undefined);
      expect(said.length, `seed ${seed}: no reply to ${JSON.stringify(all[0]!.wish)}`).toBeGreaterThan(0);
      // The very same reply, whenever and wherever.
      for (const other of said)
        expect([other.outcome, other.balance], `seed ${seed}`).toEqual([said[0]!.outcome, said[0]!.balance]);
      const { outcome, wish, balance } = said[0]!;
      if (outcome === Outcome.insufficientBalance) insufficient += 1;
      if (outcome === Outcome.accepted) {
        addUp(wanted, wish);
        if (wish.to !== undefined) transfers += 1;
        if (wish.min !== undefined) expect(balance).toBeGreaterThanOrEqual(wish.min);
      }
    }
    expectAgreement(world);
    const real = balancesOf(world.seats[0]!);
    for (const [user, balance] of real) expect(balance, `seed ${seed}: ${user}`).toBe(wanted.get(user) ?? 0);
  }
  // The runs were what they are meant to be.
  expect(Math.min(resent, insufficient, transfers, reads)).toBeGreaterThan(RUNS / 2);
});

test('a fresh read is of its user, and misses nothing that was acknowledged anywhere before it', () => {
  const world = new World(3, randomFrom(1));
  const amounts = [1, 20, 300];
  for (const [seat, amount] of amounts.entries()) world.ask(seat, { user: `user ${seat}`, amount });
  world.storeAll();
  const reads = amounts.map((_, seat) => world.read((seat + 1) % 3, `user ${seat}`, true));
  expect(reads.map(({ balance }) => balance)).toEqual([undefined, undefined, undefined]);
  world.settle();
  expect(reads.map(({ balance }) => balance)).toEqual(amounts);
});

test('a read behind events of its client that still gather is at its place', () => {
  const world = new World(1, randomFrom(1));
  const told = world.ask(0, { user: 'alice', amount: 100 });
  const { node } = world.seats[0]!;
  const before = world.read(0, 'alice', false, told.writes);
  world.ask(0, { user: 'alice', amount: -30 });
  node.seal();
  world.settle();
  expect(before.balance).toBe(100);
});

test('a balance that waits is that of its user, whatever is read meanwhile', () => {
  const world = new World(2, randomFrom(1));
  world.ask(0, { user: 'alice', amount: 70 });
  world.settle();
  const fresh = world.read(1, 'alice', true);
  world.ask(1, { user: 'somebody else', amount: 5 });
  world.settle();
  expect(fresh.balance).toBe(70);
});

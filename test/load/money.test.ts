import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Kind } from '../../src/tools/load/kinds.ts';
import { checkMoney, expectedFrom, moneyLine } from '../../src/tools/load/money.ts';
import { DEFAULT_PLAN, DEFAULT_WORK, type LoadPlan } from '../../src/tools/load/plan.ts';
import { NO_USER, type Script } from '../../src/tools/load/script.ts';
import { NO_MONEY_LOST } from './results.ts';
import { startWrongServer } from './wrong-servers.ts';

interface Line {
  kind: number;
  user: number;
  amount: number;
  other?: number;
}

const USERS = 5;
const NAMES = Array.from({ length: USERS }, (_, user) => `u${user}`);

function scriptOf(lines: readonly Line[]): Script {
  return {
    bytes: Buffer.alloc(0),
    starts: new Uint32Array(lines.length + 1),
    kinds: Uint8Array.from(lines, ({ kind }) => kind),
    users: Uint32Array.from(lines, ({ user }) => user),
    amounts: Float64Array.from(lines, ({ amount }) => amount),
    others: Uint32Array.from(lines, ({ other = NO_USER }) => other),
    takesId: new Uint8Array(lines.length),
    lines: lines.length,
    eventsOnly: lines.every(({ kind }) => kind === Kind.event),
  };
}

const user = fc.nat(USERS - 1);
const amount = fc.oneof(fc.constantFrom(50, -50), fc.integer({ min: -1_000_000, max: 1_000_000 }));
const event = fc.record({
  kind: fc.constantFrom(Kind.event, Kind.wait),
  user,
  amount: amount.filter(value => value !== 0),
});
const transfer = fc
  .record({
    kind: fc.constant(Kind.transfer),
    user,
    amount: fc.constantFrom(-50, -7),
    step: fc.integer({ min: 1, max: USERS - 1 }),
  })
  .map(({ step, ...line }) => ({ ...line, other: (line.user + step) % USERS }));
const other = fc.record({
  kind: fc.constantFrom(Kind.balance, Kind.metrics, Kind.health, Kind.garbage),
  user: fc.constant(NO_USER),
  amount: fc.constant(0),
});
const lines = fc.array(fc.oneof({ weight: 4, arbitrary: event }, transfer, other), {
  minLength: 1,
  maxLength: 40,
});
/** So many lines in a row, from a line on, round and round: as a connection counts them. */
const run = fc.record({ first: fc.nat(), count: fc.nat(100) });
const threads = fc.array(
  fc.record({ accepted: fc.array(run, { maxLength: 8 }), unanswered: fc.array(run, { maxLength: 3 }) }),
  {
    minLength: 1,
    maxLength: 3,
  },
);

function differences(lineCount: number, runs: readonly { first: number; count: number }[]): Int32Array {
  const counts = timesOf(lineCount, runs);
  return Int32Array.from(
    { length: lineCount + 1 },
    (_, line) => (counts[line] ?? 0) - (counts[line - 1] ?? 0),
  );
}

function timesOf(lineCount: number, runs: readonly { first: number; count: number }[]): number[] {
  const times = new Array<number>(lineCount).fill(0);
  for (const { first, count } of runs)
    for (let index = 0; index < count; index++) times[(first + index) % lineCount]! += 1;
  return times;
}

describe('what is expected', () => {
  test('is what adding up line by line gives', () => {
    fc.assert(
      fc.property(lines, threads, (list, shares) => {
        const expected = expectedFrom(
          scriptOf(list),
          USERS,
          shares.map(({ accepted }) => differences(list.length, accepted)),
          shares.map(({ unanswered }) => differences(list.length, unanswered)),
        );
        const naive = {
          amount: [0, 0, 0, 0, 0],
          up: [0, 0, 0, 0, 0],
          down: [0, 0, 0, 0, 0],
          events: 0,
          sum: 0,
          unknown: 0,
          transfers: 0,
          sumUp: 0,
          sumDown: 0,
        };
        const directions = [0, 0, 0, 0, 0];
        const seen = new Set<number>();
        const accepted = timesOf(
          list.length,
          shares.flatMap(share => share.accepted),
        );
        const unanswered = timesOf(
          list.length,
          shares.flatMap(share => share.unanswered),
        );
        const move = (to: number, amount: number, at: number) => {
          seen.add(to);
          directions[to]! |= amount > 0 ? 1 : 2;
          naive.amount[to]! += accepted[at]! * amount;
          if (amount > 0) naive.up[to]! += unanswered[at]! * amount;
          else naive.down[to]! += unanswered[at]! * -amount;
        };
        list.forEach((line: Line, at) => {
          if (line.user === NO_USER) return;
          move(line.user, line.amount, at);
          naive.events += accepted[at]!;
          naive.sum += accepted[at]! * Math.abs(line.amount);
          naive.unknown += unanswered[at]!;
          if (line.other !== undefined) {
            move(line.other, -line.amount, at);
            naive.transfers += accepted[at]!;
          } else if (line.amount > 0) naive.sumUp += unanswered[at]! * line.amount;
          else naive.sumDown += unanswered[at]! * -line.amount;
        });
        expect(new Set(expected.users)).toEqual(seen);
        expect(expected.users).toHaveLength(seen.size);
        expect([...expected.amount]).toEqual(naive.amount.map(value => value + 0));
        expect([...expected.unknownUp].map(value => value + 0)).toEqual(naive.up);
        expect([...expected.unknownDown].map(value => value + 0)).toEqual(naive.down);
        expect([...expected.directions]).toEqual(directions);
        expect(expected).toMatchObject({
          acceptedEvents: naive.events,
          acceptedAmount: naive.sum,
          unknownEvents: naive.unknown,
          transfers: naive.transfers,
        });
        expect([expected.unknownSumUp + 0, expected.unknownSumDown + 0]).toEqual([
          naive.sumUp + 0,
          naive.sumDown + 0,
        ]);
      }),
    );
  });
});

/** What the check says of a server whose balances are these. */
async function check(
  list: readonly Line[],
  counts: { accepted: number[]; unanswered?: number[]; before?: number[]; balances: number[] },
) {
  const { port } = await startWrongServer({
    says: (_, { line }) =>
      `{"status":"ok","balance":${counts.balances[NAMES.indexOf(JSON.parse(line).user)]}}\n`,
  });
  const asRuns = (times: number[] = []) => times.map((count, first) => ({ first, times: count }));
  const toDifferences = (times: number[] | undefined) =>
    differences(
      list.length,
      asRuns(times).flatMap(({ first, times }) => Array.from({ length: times }, () => ({ first, count: 1 }))),
    );
  const expected = expectedFrom(
    scriptOf(list),
    USERS,
    [toDifferences(counts.accepted)],
    [toDifferences(counts.unanswered)],
  );
  const plan: LoadPlan = { ...DEFAULT_PLAN, port, work: { ...DEFAULT_WORK, amount: 50 } };
  const before = Float64Array.from(expected.users, user => counts.before?.[user] ?? 0);
  return checkMoney(plan, NAMES, expected, before);
}

const buy = (user: number): Line => ({ kind: Kind.event, user, amount: 50 });
const sell = (user: number): Line => ({ kind: Kind.event, user, amount: -50 });

describe.concurrent('the check', () => {
  test('counts what a user has too little of as lost, and what one has too much of as applied too often', async () => {
    const money = await check([buy(0), buy(1), buy(2)], {
      accepted: [10, 10, 10],
      balances: [500, 350, 600],
    });
    expect(money).toEqual({
      balanced: false,
      users: 3,
      acceptedEvents: 30,
      acceptedAmount: 1_500,
      transfers: 0,
      sumOffBy: -50,
      lostEvents: 3,
      lostAmount: 150,
      surplusEvents: 2,
      surplusAmount: 100,
      unknownEvents: 0,
      wrongUsers: [
        { user: 'u1', expected: 500, actual: 350 },
        { user: 'u2', expected: 500, actual: 600 },
      ],
    });
  });

  test('turns it round for one who only sells', async () => {
    const money = await check([sell(0), sell(1)], { accepted: [10, 10], balances: [-450, -600] });
    expect(money).toMatchObject({
      balanced: false,
      lostEvents: 1,
      lostAmount: 50,
      surplusEvents: 2,
      surplusAmount: 100,
    });
  });

  test('starts from what the balances were before', async () => {
    const money = await check([buy(0), sell(1)], {
      accepted: [2, 3],
      before: [1_000, -7],
      balances: [1_100, -157],
    });
    expect(money).toMatchObject({ balanced: true, lostEvents: 0, surplusEvents: 0 });
  });

  test.each([
    ['all were applied', 700, true, 0, 0],
    ['none was', 500, true, 0, 0],
    ['some were', 600, true, 0, 0],
    ['one more than all', 750, false, 0, 1],
    ['one fewer than none', 450, false, 1, 0],
  ])(
    'takes lines without an answer for applied or not: %s',
    async (_, balance, balanced, lostEvents, surplusEvents) => {
      const money = await check([buy(0)], { accepted: [10], unanswered: [4], balances: [balance] });
      expect(money).toMatchObject({ balanced, lostEvents, surplusEvents, unknownEvents: 4 });
    },
  );

  test('looks at the sum of all balances, which no transfer changes', async () => {
    const list = [{ kind: Kind.transfer, user: 0, amount: -50, other: 1 }, buy(2)];
    const half = await check(list, { accepted: [3, 1], unanswered: [1], balances: [-200, 150, 50] });
    // Within the bounds of each user.
    expect(half).toMatchObject({ balanced: false, lostEvents: 0, surplusEvents: 0, sumOffBy: -50 });
    expect(moneyLine(half)).toBe(
      'the sum of all balances is 50 too low; 1 event unknown (sent, not answered)',
    );
    const counts = { accepted: [3, 1], unanswered: [1, 2] };
    const whole = await check(list, { ...counts, balances: [-200, 200, 150] });
    expect(whole).toMatchObject({ balanced: true, sumOffBy: 0, transfers: 3, acceptedEvents: 4 });
    expect(moneyLine(whole)).toBe(
      'balanced: 4 events (3 transfers; the sum is right) of 3 users, 200 in all; 3 events unknown (sent, not answered)',
    );
  });

  test('shows some of the wrong users, and counts them all', async () => {
    const many = Array.from({ length: USERS }, (_, user) => buy(user));
    const money = await check(many, { accepted: [1, 1, 1, 1, 1], balances: [0, 0, 0, 0, 0] });
    expect(money).toMatchObject({ lostEvents: 5, lostAmount: 250 });
    expect(money.wrongUsers.length).toBeGreaterThan(0);
  });
});

describe('the line that says so', () => {
  const lost = {
    ...NO_MONEY_LOST,
    balanced: false,
    lostEvents: 1_234,
    lostAmount: 61_700,
    acceptedAmount: 4_000_000,
  };

  test('of money lost', () => expect(moneyLine(lost)).toBe('lost 1,234 events, 61,700 of 4,000,000'));

  test('of money made', () => {
    const made = { ...NO_MONEY_LOST, balanced: false, surplusEvents: 2, surplusAmount: 100 };
    expect(moneyLine(made)).toBe('applied 2 events too many, 100 more than 50,000');
  });

  test('of both', () => {
    expect(moneyLine({ ...lost, surplusEvents: 2, surplusAmount: 100, unknownEvents: 5 })).toBe(
      'lost 1,234 events, 61,700 of 4,000,000; applied 2 events too many, 100 more than 4,000,000; 5 events unknown (sent, not answered)',
    );
  });

  test('of none', () => {
    expect(moneyLine(NO_MONEY_LOST)).toBe('balanced: 1,000 events of 10 users, 50,000 in all');
    expect(moneyLine({ ...NO_MONEY_LOST, unknownEvents: 3 })).toBe(
      'balanced: 1,000 events of 10 users, 50,000 in all; 3 events unknown (sent, not answered)',
    );
  });
});

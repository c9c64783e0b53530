/** Token buckets: never more than rate and burst allow, and never less. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { UserLimits } from '../../src/engine/user-limits.ts';
import { Bucket, Buckets } from '../../src/guard/buckets.ts';
import { networkOf } from '../../src/guard/network.ts';

const rates = fc.record({
  rate: fc.integer({ min: 1, max: 10_000_000 }),
  burstMs: fc.integer({ min: 1, max: 3_600_000 }),
});
/** Time that passes, and events that are asked for. */
const asks = fc.array(fc.tuple(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: 2_000 })), {
  maxLength: 60,
});

/** What may pass, with integers of any size: the level of the bucket in thousandths. */
function allowed(rate: number, burstMs: number, steps: readonly [number, number][]): bigint[] {
  const product = BigInt(rate) * BigInt(burstMs);
  const size = product < 1_000n ? 1_000n : product;
  let level = size;
  return steps.map(([ms, wanted]) => {
    level += BigInt(ms) * BigInt(rate);
    if (level > size) level = size;
    const room = level / 1_000n;
    const taken = BigInt(wanted) < room ? BigInt(wanted) : room;
    level -= taken * 1_000n;
    return taken;
  });
}

test('a bucket of a client lets pass what the arithmetic says, event by event', () => {
  fc.assert(
    fc.property(rates, asks, ({ rate, burstMs }, steps) => {
      const bucket = new Bucket();
      let nowMs = 12_345;
      const passed = steps.map(([ms, wanted]) => {
        nowMs += ms;
        const taken = Math.min(wanted, bucket.permits(rate, burstMs, nowMs));
        bucket.take(taken);
        return BigInt(taken);
      });
      expect(passed).toEqual(allowed(rate, burstMs, steps));
    }),
  );
});

test('a bucket of a user does the same, and one user takes nothing from another', () => {
  fc.assert(
    fc.property(rates, asks, ({ rate, burstMs }, steps) => {
      const limits = new UserLimits({ rateUser: rate, rateBurstMs: burstMs }, 3);
      let nowMs = 12_345;
      const passed = steps.map(([ms, wanted]) => {
        nowMs += ms;
        limits.setTime(nowMs);
        let taken = 0n;
        for (let event = 0; event < wanted; event++) {
          limits.take(0);
          if (limits.take(1)) taken += 1n;
        }
        return taken;
      });
      expect(passed).toEqual(allowed(rate, burstMs, steps));
      limits.setTime(nowMs);
      expect(limits.take(2)).toBe(true);
    }),
  );
});

test('an event that has to come again is given back', () => {
  const limits = new UserLimits({ rateUser: 1, rateBurstMs: 1_000 }, 1);
  limits.setTime(5);
  expect(limits.take(0)).toBe(true);
  limits.giveBack();
  expect(limits.take(0)).toBe(true);
  expect(limits.take(0)).toBe(false);
});

test('a rate that changes while the server runs holds from then on, and what a user lacks stays', () => {
  const settings = { rateUser: 2, rateBurstMs: 1_000 };
  const limits = new UserLimits(settings, 1);
  const passed = (nowMs: number) => {
    limits.setTime(nowMs);
    let events = 0;
    while (limits.take(0)) events += 1;
    return events;
  };
  expect(passed(7)).toBe(2);
  settings.rateUser = 4;
  // It lacks the two of before.
  expect(passed(7)).toBe(2);
  expect(passed(507)).toBe(2);
  settings.rateUser = 1;
  expect(passed(1_507)).toBe(0);
  expect(passed(9_999)).toBe(1);
});

test('who connects again has the bucket that it had; full ones are forgotten, and their number is bounded', () => {
  const buckets = new Buckets();
  const rate = 10;
  const mine = buckets.join('192.0.2.1');
  mine.permits(rate, 1_000, 0);
  mine.take(10);
  buckets.leave(mine, rate, 0);
  expect(buckets.join('192.0.2.1')).toBe(mine);
  expect(mine.permits(rate, 1_000, 0)).toBe(0);
  buckets.leave(mine, rate, 500);
  expect(buckets.size).toBe(1);
  for (let index = 0; index < 70_000; index++) {
    const other = buckets.join(`other ${index}`);
    other.permits(rate, 1_000, 500);
    other.take(10);
    buckets.leave(other, rate, 500);
  }
  expect(buckets.size).toBe(65_536);
  const late = buckets.join('late');
  buckets.leave(late, rate, 100_000);
  expect(buckets.size).toBeLessThanOrEqual(65_536);
  const last = buckets.join('last');
  last.permits(rate, 1_000, 200_000);
  last.take(1);
  buckets.leave(last, rate, 200_000);
  expect(buckets.size).toBe(1);
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:0:1:2:3:4:5', '2001:db8:0:1::/64'],
  ['2001:DB8::1', '2001:db8:0:0::/64'],
  ['2001:db8:1:2::', '2001:db8:1:2::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['', ''],
])('the network of %s is %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Deadlines } from '../../src/session/deadlines.ts';
import { until } from '../../src/tools/harness/waiting.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Deadlines of 100 ms that note who expired, and when. */
function deadlinesOf(limitMs = 100) {
  const startMs = performance.now();
  const expired: [string, number][] = [];
  const deadlines = new Deadlines<string>(
    () => limitMs,
    member => expired.push([member, performance.now() - startMs]),
  );
  return { deadlines, expired };
}

describe('a deadline', () => {
  test('expires once, when its time has passed and not before', () => {
    const { deadlines, expired } = deadlinesOf();
    deadlines.start('alice');
    vi.advanceTimersByTime(99);
    expect(expired).toEqual([]);
    vi.advanceTimersByTime(1_000);
    expect(expired).toEqual([['alice', 100]]);
  });

  test('does not expire once it was cleared', () => {
    const { deadlines, expired } = deadlinesOf();
    deadlines.start('alice');
    vi.advanceTimersByTime(50);
    deadlines.clear('alice');
    vi.advanceTimersByTime(1_000);
    expect(expired).toEqual([]);
  });

  test('is not pushed back by starting it again', () => {
    const { deadlines, expired } = deadlinesOf();
    for (let time = 0; time < 100; time += 10) {
      deadlines.start('alice');
      vi.advanceTimersByTime(10);
    }
    expect(expired).toEqual([['alice', 100]]);
  });

  test('is pushed back by restarting it', () => {
    const { deadlines, expired } = deadlinesOf();
    for (let time = 0; time < 500; time += 50) {
      deadlines.restart('alice');
      vi.advanceTimersByTime(50);
    }
    expect(expired).toEqual([]);
    vi.advanceTimersByTime(50);
    expect(expired).toEqual([['alice', 550]]);
  });

  test('runs again after it was cleared and started again', () => {
    const { deadlines, expired } = deadlinesOf();
    deadlines.start('alice');
    vi.advanceTimersByTime(60);
    deadlines.clear('alice');
    deadlines.start('alice');
    vi.advanceTimersByTime(1_000);
    expect(expired).toEqual([['alice', 160]]);
  });

  test('of 0 never expires, and needs no timer', () => {
    const { deadlines, expired } = deadlinesOf(0);
    deadlines.start('alice');
    deadlines.restart('bob');
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(1_000_000);
    expect(expired).toEqual([]);
  });
});

describe('many deadlines', () => {
  test('each expire in their own time', () => {
    const { deadlines, expired } = deadlinesOf();
    for (const member of ['alice', 'bob', 'carol']) {
      deadlines.start(member);
      vi.advanceTimersByTime(30);
    }
    deadlines.restart('bob');
    vi.advanceTimersByTime(1_000);
    expect(expired).toEqual([
      ['alice', 100],
      ['carol', 160],
      ['bob', 190],
    ]);
  });

  test('share one timer, and none is left when all have expired', () => {
    const { deadlines, expired } = deadlinesOf();
    for (let member = 0; member < 50; member++) {
      deadlines.start(`member-${member}`);
      vi.advanceTimersByTime(1);
      expect(vi.getTimerCount()).toBe(1);
    }
    vi.advanceTimersByTime(200);
    expect(expired).toHaveLength(50);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('expire in time although one that expired before them begins anew', () => {
    const expired: [string, number][] = [];
    const startMs = performance.now();
    const deadlines = new Deadlines<string>(
      () => 100,
      member => {
        expired.push([member, performance.now() - startMs]);
        if (expired.length < 4) deadlines.restart(member);
      },
    );
    deadlines.start('alice');
    vi.advanceTimersByTime(10);
    deadlines.start('bob');
    vi.advanceTimersByTime(1_000);
    expect(expired.slice(0, 4)).toEqual([
      ['alice', 100],
      ['bob', 110],
      ['alice', 200],
      ['bob', 210],
    ]);
  });

  test('do not stop one another: one that clears the next', () => {
    const expired: string[] = [];
    const deadlines = new Deadlines<string>(
      () => 100,
      member => {
        expired.push(member);
        if (member === 'alice') deadlines.clear('bob');
      },
    );
    for (const member of ['alice', 'bob', 'carol']) deadlines.start(member);
    vi.advanceTimersByTime(1_000);
    expect(expired).toEqual(['alice', 'carol']);
  });
});

describe('a limit that changes', () => {
  /** `set` changes the limit and says so. */
  function changeable(limitMs: number) {
    const limits = { limitMs };
    const startMs = performance.now();
    const expired: [string, number][] = [];
    const deadlines = new Deadlines<string>(
      () => limits.limitMs,
      member => expired.push([member, performance.now() - startMs]),
    );
    const set = (ms: number) => {
      limits.limitMs = ms;
      deadlines.limitChanged();
    };
    return { deadlines, expired, set };
  }

  test('becomes shorter for those whose time is running, and has passed for some', () => {
    const { deadlines, expired, set } = changeable(100_000);
    deadlines.start('alice');
    vi.advanceTimersByTime(30);
    deadlines.start('bob');
    vi.advanceTimersByTime(20);
    set(40);
    expect(expired).toEqual([]);
    vi.advanceTimersByTime(1_000);
    expect(expired).toEqual([
      ['alice', 51],
      ['bob', 70],
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('becomes longer', () => {
    const { deadlines, expired, set } = changeable(100);
    deadlines.start('alice');
    vi.advanceTimersByTime(50);
    set(200);
    vi.advanceTimersByTime(1_000);
    expect(expired).toEqual([['alice', 200]]);
  });

  test('of 0 lets nobody expire who had a time, and another begins from then on', () => {
    const { deadlines, expired, set } = changeable(100);
    deadlines.start('alice');
    set(0);
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(1_000);
    set(100);
    expect([expired.length, vi.getTimerCount()]).toEqual([0, 0]);
    deadlines.start('alice');
    vi.advanceTimersByTime(1_000);
    expect(expired).toEqual([['alice', 1_100]]);
  });

  test('again and again needs one timer', () => {
    const { deadlines, expired, set } = changeable(100);
    for (const member of ['alice', 'bob']) deadlines.start(member);
    for (let change = 0; change < 50; change += 1) set(100 + change);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(1_000);
    expect(expired.map(([member]) => member)).toEqual(['alice', 'bob']);
  });

  test('while the loop polls before a late look leaves one look, not two', async () => {
    vi.useRealTimers();
    const { deadlines, expired, set } = changeable(20);
    const timers = vi.spyOn(globalThis, 'setTimeout');
    await nextTurn();
    deadlines.start('alice');
    // Behind the timer of the deadlines, which is late, and before the look that it puts off.
    setTimeout(() => set(60_000), 21);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60);
    // Each look finds alice, whose time is long, and starts one timer until then.
    await sleep(20);
    const untilThen = timers.mock.calls.filter(([, ms]) => Number(ms) > 10_000);
    expect([expired, untilThen.length]).toEqual([[], 1]);
    timers.mockRestore();
    deadlines.clear('alice');
  });
});

test('when the thread could not look in time, what has come by then comes before the deadline', async () => {
  vi.useRealTimers();
  const expired: string[] = [];
  const deadlines = new Deadlines<string>(
    () => 20,
    member => expired.push(member),
  );
  const { port1, port2 } = new MessageChannel();
  port2.on('message', () => deadlines.clear('alice'));
  // Behind the poll of this turn: the next thing that the event loop does is to run its timers.
  await nextTurn();
  for (const member of ['alice', 'bob']) deadlines.start(member);
  port1.postMessage('alice has spoken');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60);
  await until(() => expired.length > 0, 'a deadline');
  port1.close();
  expect(expired).toEqual(['bob']);
});

test('a running deadline keeps no process alive', () => {
  vi.useRealTimers();
  const timer = vi.spyOn(globalThis, 'setTimeout');
  const deadlines = new Deadlines<string>(
    () => 100_000,
    () => {},
  );
  deadlines.start('alice');
  expect((timer.mock.results[0]!.value as NodeJS.Timeout).hasRef()).toBe(false);
  timer.mockRestore();
});

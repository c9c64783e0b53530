import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { OVERFLOWED } from '../../src/engine/deciding.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { EngineOptions } from '../../src/engine/options.ts';
import type { Position } from '../../src/engine/position.ts';
import { Word } from '../../src/engine/words.ts';
import { drawHashSeed, hashName } from '../../src/protocol/hash.ts';
import { Outcome } from '../../src/protocol/outcome.ts';
import { emptyRequest, type ParsedRequest } from '../../src/protocol/request.ts';
import { until } from '../../src/tools/harness/waiting.ts';

const MAX = Number.MAX_SAFE_INTEGER;

const SEED = drawHashSeed();

function answerAt(position: Position): Promise<number> {
  return new Promise(resolve => {
    position.waiter = { reached: () => resolve(position.balance) };
  });
}

/** An engine with real worker threads, to which events are handed by name. */
class Bench {
  readonly engine: Engine;
  readonly deaths: number[] = [];
  readonly replaced: number[] = [];
  /** What was accepted, by name, reckoned apart from the engine. */
  readonly accepted = new Map<string, number>();
  acceptedEvents = 0;
  readonly #names = Buffer.alloc(256);
  readonly #view = new DataView(this.#names.buffer, this.#names.byteOffset, this.#names.length);

  constructor(options: Partial<EngineOptions> = {}) {
    this.engine = new Engine(
      this.#view,
      { workers: 2, ring: 64, users: 1_000, workUs: 0, work: 'cpu', ...options },
      {
        onDeath: worker => void this.deaths.push(worker),
        onReplaced: worker => void this.replaced.push(worker),
      },
    );
  }

  static async start(options: Partial<EngineOptions> = {}): Promise<Bench> {
    const bench = new Bench(options);
    benches.push(bench);
    await bench.engine.workers.start();
    return bench;
  }

  submit(name: string, amount: number): Outcome {
    return this.#note(name, amount, this.engine.submit(this.#lay(name, amount)) as Outcome);
  }

  /** Undefined if the event was refused. */
  submitAsking(name: string, amount: number): Promise<number> | undefined {
    const outcome = this.engine.submitAsking(this.#lay(name, amount));
    if (typeof outcome === 'number') return void this.#note(name, amount, outcome as Outcome);
    this.#note(name, amount, Outcome.accepted);
    return answerAt(outcome);
  }

  /** As a connection reads a balance: at once, or by asking, or by asking when there is room. */
  balance(name: string): Promise<number> {
    return new Promise(resolve => {
      const attempt = () => {
        const request = this.#lay(name);
        const known = this.engine.readBalance(request) ?? this.engine.askBalance(request);
        if (known === undefined) this.engine.whenRoom(request.hash, attempt);
        else resolve(typeof known === 'number' ? known : answerAt(known));
        this.engine.publish();
      };
      attempt();
    });
  }

  expectCounts(): void {
    const { received, processed, dropped, queued } = this.engine.counts();
    expect(received).toBe(processed + dropped + queued);
    expect(queued).toBeGreaterThanOrEqual(0);
    expect(processed).toBeGreaterThanOrEqual(0);
  }

  /** All that was accepted is applied, and the balances say so. */
  async expectExact(what: string): Promise<void> {
    this.engine.publish();
    await until(() => this.engine.areRingsEmpty, `empty rings: ${what}`);
    for (const [name, sum] of this.accepted) expect(await this.balance(name), `${name}, ${what}`).toBe(sum);
    expect(this.engine.counts(), what).toMatchObject({ processed: this.acceptedEvents, queued: 0 });
    expect(this.engine.users.users, what).toBe(this.accepted.size);
  }

  #lay(name: string, amount = 0): ParsedRequest {
    const nameBytes = this.#names.write(name, 8);
    const hash = hashName(this.#view, 8, nameBytes, SEED);
    return { ...emptyRequest(), nameAt: 8, nameBytes, hash, amount };
  }

  #note(name: string, amount: number, outcome: Outcome): Outcome {
    if (outcome === Outcome.accepted) {
      this.accepted.set(name, (this.accepted.get(name) ?? 0) + amount);
      this.acceptedEvents += 1;
    }
    return outcome;
  }
}

const benches: Bench[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const bench of benches.splice(0)) {
    bench.engine.workers.terminate();
    await bench.engine.workers.join();
  }
});

describe('the engine', () => {
  test('applies what it accepted, once it was published', async () => {
    const bench = await Bench.start();
    expect(await bench.balance('alice')).toBe(0);
    expect(bench.submit('alice', 100)).toBe(Outcome.accepted);
    expect(bench.submit('bob', -7)).toBe(Outcome.accepted);
    expect(bench.submit('alice', 2 ** 40)).toBe(Outcome.accepted);
    expect(bench.engine.counts()).toEqual({ received: 3, processed: 0, dropped: 0, queued: 3 });
    await bench.expectExact('three events');
  });

  test('answers each ask with the balance at its place, in order', async () => {
    const bench = await Bench.start();
    const asked = ['alice', 'bob', 'carol'].flatMap(name =>
      [5, -20, 3].map(amount => bench.submitAsking(name, amount)),
    );
    const read = bench.balance('bob');
    bench.submit('bob', 1_000);
    bench.engine.publish();
    expect(await Promise.all(asked)).toEqual([5, -15, -12, 5, -15, -12, 5, -15, -12]);
    expect(await read).toBe(-12);
    expect(await bench.balance('bob')).toBe(988);
  });

  test('drops an event that would leave the range, says so, and counts it', async () => {
    const bench = await Bench.start();
    const asked = [bench.submitAsking('alice', MAX), bench.submitAsking('alice', 1)];
    bench.engine.publish();
    expect(await Promise.all(asked)).toEqual([MAX, OVERFLOWED]);
    expect(await bench.balance('alice')).toBe(MAX);
    expect(bench.engine.counts()).toEqual({ received: 2, processed: 1, dropped: 1, queued: 0 });
    expect(bench.engine.detail().refused.balance_overflow).toBe(1);
  });

  test('refuses a user too many, makes none of it, and goes on serving the others', async () => {
    const bench = await Bench.start({ users: 3 });
    for (const name of ['alice', 'bob', 'carol']) expect(bench.submit(name, 1)).toBe(Outcome.accepted);
    expect(bench.submit('dave', 1)).toBe(Outcome.tooManyUsers);
    expect(bench.submitAsking('dave', 1)).toBeUndefined();
    expect(bench.submit('alice', 1)).toBe(Outcome.accepted);
    expect(await bench.balance('dave')).toBe(0);
    await bench.expectExact('too many users');
    expect(bench.engine.counts()).toMatchObject({ received: 6, dropped: 2 });
  });

  test('makes no user of an event that a full ring refuses', async () => {
    const bench = await Bench.start({ workers: 1, ring: 4 });
    bench.engine.experiments.freeze(true);
    while (bench.submit('alice', 1) === Outcome.accepted) bench.expectCounts();
    expect(bench.submit('bob', 1)).toBe(Outcome.serverBusy);
    expect(bench.submitAsking('carol', 1)).toBeUndefined();
    expect(bench.engine.users.users).toBe(1);
    bench.engine.experiments.freeze(false);
    await bench.expectExact('a full ring');
    expect(bench.submit('bob', 1)).toBe(Outcome.accepted);
    await bench.expectExact('a ring with room again');
  });

  test.each([1, 2, 3])(
    'keeps the money of a new user when room is made after look %i at the head',
    async look => {
      const bench = await Bench.start({ workers: 1, ring: 2 });
      bench.engine.experiments.freeze(true);
      while (bench.submit('alice', 1) === Outcome.accepted);
      const load = Atomics.load.bind(Atomics) as (...of: unknown[]) => number;
      let looks = 0;
      // Just after the engine has looked at the head for the nth time, the worker empties the ring.
      vi.spyOn(Atomics, 'load').mockImplementation(((words: Int32Array, word: number) => {
        const value = load(words, word);
        if (word === Word.head && ++looks === look) {
          bench.engine.experiments.freeze(false);
          const endMs = performance.now() + 5_000;
          while (load(words, Word.head) !== load(words, Word.tail) && performance.now() < endMs);
        }
        return value;
      }) as typeof Atomics.load);
      const outcome = bench.submit('bob', 1_000);
      vi.restoreAllMocks();
      bench.engine.experiments.freeze(false);
      expect(bench.engine.users.users).toBe(outcome === Outcome.accepted ? 2 : 1);
      await bench.expectExact('a new user at a full ring');
    },
  );

  test('keeps the money of new users at a ring that is always just full', async () => {
    const bench = await Bench.start({ workers: 1, ring: 2, users: 60_000 });
    let refused = 0;
    for (let user = 0; user < 60_000; user++) {
      if (bench.submit(`user-${user}`, 1) !== Outcome.accepted) refused += 1;
      else bench.engine.publish();
    }
    expect(refused).toBeGreaterThan(0);
    await bench.expectExact('new users at a full ring');
  });

  test.each([2 ** 31 - 40, 2 ** 32 - 40])('keeps count while sequences wrap from %i', async firstSequence => {
    const bench = await Bench.start({ firstSequence, ring: 16 });
    for (let event = 1; event <= 2_000; event++) {
      const name = `user-${event % 37}`;
      while (bench.submit(name, event) !== Outcome.accepted) await nextTurn();
      if (event % 5 === 0) expect(await bench.balance(name)).toBe(bench.accepted.get(name));
      if (event % 3 === 0) bench.engine.publish();
      bench.expectCounts();
    }
    await bench.expectExact('wrapped sequences');
  });

  test('calls back for room when a frozen worker goes on', async () => {
    const bench = await Bench.start({ workers: 1, ring: 4 });
    bench.engine.experiments.freeze(true);
    while (bench.submit('alice', 1) === Outcome.accepted);
    const balances = [bench.balance('alice'), bench.balance('alice')];
    bench.engine.experiments.freeze(false);
    expect(await Promise.all(balances)).toEqual([4, 4]);
  });

  test('counts what is refused while it shuts down', async () => {
    const bench = await Bench.start();
    bench.engine.refuse(Outcome.shuttingDown);
    expect(bench.engine.counts()).toEqual({ received: 1, processed: 0, dropped: 1, queued: 0 });
    expect(bench.engine.detail().refused.shutting_down).toBe(1);
  });
});

describe('the engine whose workers die', () => {
  /** Load for as long as `isOver` does not hold; asks now and then. Returns the asks. */
  async function load(bench: Bench, isOver: () => boolean, seed: number): Promise<Promise<boolean>[]> {
    const asks: Promise<boolean>[] = [];
    let random = seed;
    const endMs = performance.now() + 10_000;
    while (!isOver()) {
      if (performance.now() > endMs) throw new Error(`load for 10 s, seed ${seed}`);
      for (let event = 0; event < 200; event++) {
        random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
        const name = `user-${(random >>> 8) % 300}`;
        const amount = ((random >>> 16) & 0xff) - 127 || 1;
        if (event % 50 === 0) {
          const asked = bench.submitAsking(name, amount);
          const wanted = bench.accepted.get(name);
          if (asked !== undefined) asks.push(asked.then(balance => balance === wanted));
        } else {
          bench.submit(name, amount);
        }
      }
      bench.engine.publish();
      bench.expectCounts();
      await nextTurn();
    }
    return asks;
  }

  test.each([
    ['is killed', 'kill' as const],
    ['crashes at an event', 'crash' as const],
  ])('keeps the ledger exact when one %s, five times, under load', async (_, how) => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const bench = await Bench.start({ ring: 256 });
    const asks: Promise<boolean>[] = [];
    for (let death = 1; death <= 5; death++) {
      const worker = death % 2;
      asks.push(...(await load(bench, () => bench.engine.counts().processed > death * 1_000, seed + death)));
      if (how === 'kill') bench.engine.workers.kill(worker);
      else bench.engine.experiments.crash(worker);
      asks.push(...(await load(bench, () => bench.replaced.length === death, seed - death)));
      expect(bench.deaths.at(-1)).toBe(worker);
      expect(bench.engine.workers.areAllReady).toBe(true);
    }
    await bench.expectExact(`after five deaths, seed ${seed}`);
    expect(
      (await Promise.all(asks)).every(isRight => isRight),
      `answers, seed ${seed}`,
    ).toBe(true);
    expect(bench.engine.workers.deaths).toBe(5);
  });

  test('says that one is missing until it is replaced, and refuses when its ring is full', async () => {
    const bench = await Bench.start({ workers: 1, ring: 4 });
    bench.engine.workers.kill(0);
    await until(() => bench.deaths.length === 1, 'a death');
    expect(bench.engine.workers.areAllReady).toBe(false);
    while (bench.submit('alice', 1) === Outcome.accepted);
    await until(() => bench.engine.workers.areAllReady, 'a new worker');
    await bench.expectExact('a replaced worker');
    expect(await bench.balance('alice')).toBe(4);
  });
});

describe('stopping', () => {
  test('applies everything that was accepted before, then joins every worker', async () => {
    const bench = await Bench.start({ workers: 3, ring: 4_096, workUs: 5 });
    for (let event = 0; event < 6_000; event++) bench.submit(`user-${event % 100}`, 1);
    bench.engine.publish();
    await bench.engine.stop();
    expect(bench.engine.workers.ready).toBe(0);
    expect(bench.engine.counts()).toMatchObject({ processed: bench.acceptedEvents, queued: 0 });
    expect(bench.deaths).toEqual([]);
    await bench.expectExact('stopped');
  });

  test('stops workers that sleep at once', async () => {
    const bench = await Bench.start({ workers: 2 });
    await until(() => bench.engine.detail().parks >= 2, 'parked workers');
    const startMs = performance.now();
    await bench.engine.stop();
    expect(performance.now() - startMs).toBeLessThan(500);
    expect(bench.engine.detail().late_wakes).toBe(0);
  });

  test('counts to the last event what workers that are ended in the midst had applied', async () => {
    const bench = await Bench.start({ workers: 1, ring: 4_096, workUs: 20 });
    for (let event = 0; event < 4_000; event++) bench.submit('alice', 1);
    bench.engine.publish();
    await until(() => bench.engine.counts().processed > 10, 'some progress');
    bench.engine.workers.terminate();
    await bench.engine.workers.join();
    bench.engine.settle();
    const { received, processed, dropped, queued } = bench.engine.counts();
    expect({ received, dropped, all: processed + queued }).toEqual({
      received: 4_000,
      dropped: 0,
      all: 4_000,
    });
    expect(queued).toBeGreaterThan(0);
  });
});

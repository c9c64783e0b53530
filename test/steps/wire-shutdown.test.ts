/** The shutdown of step 10, with clients that hang up when they are told to: the others are its pain. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import type { Server } from '../../src/tools/harness/server.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { randomFrom } from '../../src/tools/load/random.ts';
import { ACCEPTED, BUSY, balanceRequest, buyLine, HEALTH, SHUTTING_DOWN } from '../support/asking.ts';
import { pickSeed } from '../support/load.ts';
import { floodUntilStuck } from './wire/flood.ts';
import { startStep } from './wire/running.ts';
import { waitLine } from './wire/script.ts';

const CYCLES = 5;
const LOAD_MS_MAX = 150;
const STOP_MS_MAX = 10_000;

/** Waits for the end, which must be a good one, and reads the ledger in its last line. */
async function ledgerOf(step: Server, what: string) {
  await until(() => step.hasEnded, `the end of ${what}`, STOP_MS_MAX).finally(() => step.stop());
  expect(await step.ended, what).toEqual({ exitCode: 0, signal: null });
  const ledger = /^listening on \S+\nstopped: (\{.*\})$/.exec(step.output())?.[1];
  expect(ledger, `${what}: ${step.output()}`).toBeDefined();
  return JSON.parse(ledger!) as { received: number; processed: number; dropped: number };
}

/** A client that hangs up as soon as it is told to. */
async function polite(port: number): Promise<Client> {
  const client = await Client.open(port);
  client.socket.on('end', () => client.socket.end());
  return client;
}

/** Sends so many requests at a time until the end, and looks at every answer. */
class Talker {
  readonly #user: string;
  readonly #client: Client;
  readonly #requests: string[] = [];
  readonly #random: () => number;
  /** Told that they were applied, or would be. */
  accepted = 0;
  answers = 0;
  shuttingDown = 0;
  wrong: string[] = [];

  constructor(client: Client, user: string, random: () => number) {
    this.#client = client;
    this.#user = user;
    this.#random = random;
  }

  async talk(depth: number): Promise<void> {
    const lines = [HEALTH, balanceRequest(this.#user), waitLine(this.#user), buyLine(this.#user, 1)];
    try {
      for (;;) {
        const batch = Array.from({ length: depth }, () => lines[Math.floor(this.#random() * 6)] ?? lines[3]!);
        this.#requests.push(...batch);
        this.#client.send(batch.join(''));
        for (const _ of batch) this.#hear(await this.#client.line());
      }
    } catch (error) {
      if (!(error as Error).message.includes('hung up')) throw error;
    }
  }

  #hear(reply: string): void {
    const request = this.#requests[this.answers]!;
    this.answers += 1;
    const isEvent = request.includes('"action"');
    if (isEvent && reply === SHUTTING_DOWN) this.shuttingDown += 1;
    else if (isEvent && reply !== BUSY) this.accepted += 1;
    const balance = `{"status":"ok","balance":${this.accepted}}`;
    const isRight =
      request === HEALTH
        ? ['{"status":"ok"}', '{"status":"draining"}'].includes(reply)
        : !isEvent
          ? reply === balance
          : [BUSY, SHUTTING_DOWN, request.includes('wait') ? balance : ACCEPTED].includes(reply);
    if (!isRight) this.wrong.push(`${this.answers}: ${request.trim()} was answered ${reply}`);
  }
}

describe.concurrent('step 10', () => {
  test('applies and answers all that it accepted, stopped at any moment under load', async () => {
    let heardOfIt = 0;
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const seed = pickSeed();
      const random = randomFrom(seed);
      const pick = <Value>(...values: Value[]) => values[Math.floor(random() * values.length)]!;
      const flags = ['--queue', pick('1', '16', '1024'), '--workers', pick('1', '2', '4')];
      if (random() < 0.5) flags.push('--work-us', '100', '--work', pick('cpu', 'block'));
      const step = await startStep(10, flags);
      const clients = await Promise.all(Array.from({ length: 8 }, () => polite(step.port)));
      const talkers = clients.map((client, at) => new Talker(client, `u${at}`, random));
      const depth = pick(1, 8, 64);
      const talks = Promise.all(talkers.map(talker => talker.talk(depth)));
      await sleep(random() * LOAD_MS_MAX);
      step.signal(pick('SIGINT', 'SIGTERM'));
      const what = `TALLY_TEST_SEED=${seed}, ${flags.join(' ')}, depth ${depth}`;
      const { received, processed, dropped } = await ledgerOf(step, what);
      await talks;
      expect(talkers.flatMap(({ wrong }) => wrong).slice(0, 5), what).toEqual([]);
      expect(received, what).toBe(processed + dropped);
      expect(processed, what).toBe(talkers.reduce((sum, { accepted }) => sum + accepted, 0));
      heardOfIt += talkers.reduce((sum, { shuttingDown }) => sum + shuttingDown, 0);
    }
    expect(heardOfIt).toBeGreaterThan(0);
  });

  test('ends while nobody is there, and while a hundred idle clients are', async () => {
    for (const count of [0, 100]) {
      const step = await startStep(10);
      const clients = await Promise.all(Array.from({ length: count }, () => polite(step.port)));
      for (const client of clients.slice(50)) expect(await client.ask(buyLine('u', 1))).toBe(ACCEPTED);
      step.signal('SIGTERM');
      const events = Math.max(0, count - 50);
      const ledger = { received: events, processed: events, dropped: 0 };
      expect(await ledgerOf(step, `${count} clients`)).toEqual(ledger);
    }
  });

  test('applies what is queued, says what it does meanwhile, and refuses what is new', async () => {
    const step = await startStep(10, ['--work-us', '2000', '--workers', '1']);
    const client = await polite(step.port);
    client.send(buyLine('u', 1).repeat(200));
    await client.lines(200);
    step.signal('SIGINT');
    await until(async () => (await client.ask(HEALTH)) === '{"status":"draining"}', 'the step to drain');
    expect(await client.ask(buyLine('u', 1))).toBe(SHUTTING_DOWN);
    expect(await client.ask(waitLine('u'))).toBe(SHUTTING_DOWN);
    expect(await client.ask(balanceRequest('u'))).toBe('{"status":"ok","balance":200}');
    const ledger = { received: 202, processed: 200, dropped: 2 };
    expect(await ledgerOf(step, 'a full queue')).toEqual(ledger);
  });

  test('gives a client that reads late all its answers, and sees it hang up', async () => {
    const step = await startStep(10);
    const client = await polite(step.port);
    const other = await polite(step.port);
    // Until all the buffers between are full of answers: it waits for the client when the signal comes.
    await floodUntilStuck(client, Buffer.from(buyLine('u', 1).repeat(1_500)));
    step.signal('SIGTERM');
    // The step ends all connections at once: from here on, the late reader's too is only waited for.
    await until(() => other.isEnded, 'the step to end its connections');
    client.socket.resume();
    const { received, processed } = await ledgerOf(step, 'a late reader');
    const answers = (await client.finish()).split('\n');
    expect(answers.filter(answer => answer === ACCEPTED).length).toBe(processed);
    expect(processed).toBeGreaterThan(0);
    expect(received).toBeGreaterThanOrEqual(processed);
  });

  test('ends in good order when it is told twice, in two ways', async () => {
    const step = await startStep(10, ['--work-us', '2000', '--workers', '1']);
    const client = await polite(step.port);
    client.send(buyLine('u', 1).repeat(100));
    await client.lines(100);
    step.signal('SIGINT');
    await until(async () => (await client.ask(HEALTH)) === '{"status":"draining"}', 'the step to drain');
    step.signal('SIGTERM');
    expect(await ledgerOf(step, 'two signals')).toEqual({ received: 100, processed: 100, dropped: 0 });
  });
});

/** What the order of requests on one connection promises about the replies, whatever is held back meanwhile. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client, exchange } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { randomFrom } from '../../src/tools/load/random.ts';
import {
  ACCEPTED,
  askMetrics,
  BUSY,
  balanceRequest,
  buyLine,
  FREEZE,
  HEALTH,
  HEALTHY,
  okLine,
  sellLine,
  THAW,
} from '../support/asking.ts';
import { pickSeed } from '../support/load.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const MAX = Number.MAX_SAFE_INTEGER;
const OVERFLOW = '{"status":"rejected","reason":"balance_overflow"}';
const TOO_MANY = '{"status":"rejected","reason":"too_many_users"}';

const waiting = (line: string) => line.replace('}', ',"wait":true}');

/** A request as JSON.parse reads it; one without an action asks for a balance. */
interface Event {
  user: string;
  action?: 'buy' | 'sell';
  amount: number;
  wait?: boolean;
}

interface Script {
  requests: string[];
  replies: string[];
}

/** Events, events with `wait` and balance requests of several users in random order, and what a Map answers. */
function writeScript(random: () => number, prefix: string, users: number, steps: number): Script {
  const model = new Map<string, number>();
  const script: Script = { requests: [], replies: [] };
  for (let step = 0; step < steps; step++) {
    const user = `${prefix}-${Math.floor(random() * users)}`;
    const kind = random();
    if (kind < 0.4) {
      script.requests.push(balanceRequest(user));
      script.replies.push(okLine(model.get(user) ?? 0));
      continue;
    }
    const amount = 1 + Math.floor(random() * 1e6);
    const isBuy = random() < 0.5;
    const balance = (model.get(user) ?? 0) + (isBuy ? amount : -amount);
    model.set(user, balance);
    const line = isBuy ? buyLine(user, amount) : sellLine(user, amount);
    script.requests.push(kind < 0.7 ? waiting(line) : line);
    script.replies.push(kind < 0.7 ? okLine(balance) : ACCEPTED);
  }
  return script;
}

/** What a Map answers to these requests, if those events were refused that were refused. */
function expectedWith(requests: string[], answers: string[]): string[] {
  const model = new Map<string, number>();
  return requests.map((request, index) => {
    if (answers[index] === BUSY && !request.startsWith('{"type"')) return BUSY;
    const { user, action, amount, wait } = JSON.parse(request) as Event;
    const change = action === undefined ? 0 : action === 'buy' ? amount : -amount;
    const balance = (model.get(user) ?? 0) + change;
    model.set(user, balance);
    return action === undefined || wait === true ? okLine(balance) : ACCEPTED;
  });
}

/** Writes the bytes in pieces of random length, without waiting for any reply. */
function sendInPieces(client: Client, bytes: string, random: () => number): void {
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + Math.floor(random() * 2_000);
    client.send(bytes.slice(at, at + length));
    at += length;
  }
}

describe.each([
  ['fast workers', ['--workers', '3'], 400],
  [
    'workers that sleep 200 µs over each event',
    ['--workers', '3', '--work-us', '200', '--work', 'block'],
    150,
  ],
])('with %s', (_, flags, steps) => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer([...flags, '--debug-requests']);
  });
  afterAll(() => server.stop());

  test('buys, sells, waits and balances that are pipelined answer exactly what a model answers', async () => {
    const seed = pickSeed();
    const random = randomFrom(seed);
    const scripts = Array.from({ length: 6 }, (_, index) =>
      writeScript(random, `${seed}-${index}`, 7, steps),
    );
    const answers = await Promise.all(
      scripts.map(async script => {
        const client = await Client.open(server.port);
        sendInPieces(client, script.requests.join(''), random);
        return (await client.finish()).split('\n').slice(0, -1);
      }),
    );
    scripts.forEach((script, index) => {
      expect(answers[index], `TALLY_TEST_SEED=${seed}, connection ${index}`).toEqual(script.replies);
    });
  });

  test('a reply that is ready stays behind one that is held', async () => {
    const client = await Client.open(server.port);
    const other = await Client.open(server.port);
    // What other tests left in the rings would be counted, too.
    await until(async () => (await askMetrics(other)).queued === 0, 'empty rings');
    await other.ask(FREEZE);
    client.send(
      waiting(buyLine('behind', 5)) + HEALTH + buyLine('behind', 1) + balanceRequest('nobody') + HEALTH,
    );
    await until(async () => (await askMetrics(other)).queued === 2, 'both events in a ring');
    expect(client.socket.bytesRead).toBe(0);
    expect(await other.ask(THAW)).toBe(HEALTHY);
    expect(await client.lines(5)).toEqual([okLine(5), HEALTHY, ACCEPTED, okLine(0), HEALTHY]);
    client.close();
    other.close();
  });

  test('a client that shuts down its sending side gets every reply, the held ones too', async () => {
    const lines = buyLine('half', 7) + waiting(buyLine('half', 1)) + balanceRequest('half') + HEALTH;
    const replies = [ACCEPTED, okLine(8), okLine(8), HEALTHY];
    expect(await exchange(server.port, lines)).toBe(replies.map(reply => `${reply}\n`).join(''));
  });
});

describe('with the usual server', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer(['--workers', '2', '--debug-requests']);
  });
  afterAll(() => server.stop());

  test('ten thousand lines in one write get ten thousand replies and the exact sum', async () => {
    const lines = 10_000;
    const answers = await exchange(server.port, buyLine('many', 3).repeat(lines) + balanceRequest('many'));
    expect(answers.split('\n')).toEqual([...Array(lines).fill(ACCEPTED), okLine(3 * lines), '']);
  });

  test('bytes left without a line end when the client ends its side are a last line', async () => {
    expect(await exchange(server.port, buyLine('last', 4) + balanceRequest('last').trimEnd())).toBe(
      `${ACCEPTED}\n${okLine(4)}\n`,
    );
    expect(await exchange(server.port, waiting(buyLine('last', 1)).trimEnd())).toBe(`${okLine(5)}\n`);
    expect(await exchange(server.port, '{"user":"last"')).toBe(
      '{"status":"error","reason":"invalid_json"}\n',
    );
    expect(await exchange(server.port, '')).toBe('');
  });

  test('one \\r before the line end is dropped, a second one is JSON white space', async () => {
    const crlf = (line: string) => line.replace('\n', '\r\n');
    expect(await exchange(server.port, crlf(buyLine('crlf', 2)) + crlf(crlf(balanceRequest('crlf'))))).toBe(
      `${ACCEPTED}\n${okLine(2)}\n`,
    );
    expect(await exchange(server.port, '\r\n')).toBe('{"status":"error","reason":"invalid_json"}\n');
  });

  test('the bytes left on a connection that is reset are discarded, its whole lines are not', async () => {
    const client = await Client.open(server.port);
    expect(await client.ask(buyLine('reset', 1))).toBe(ACCEPTED);
    const other = await Client.open(server.port);
    const before = await askMetrics(other);
    client.send(buyLine('reset', 10) + buyLine('reset', 100).trimEnd());
    await client.line();
    client.reset();
    await until(
      async () => (await askMetrics(other)).connections === before.connections - 1,
      'the reset connection to be gone',
    );
    expect(await other.ask(balanceRequest('reset'))).toBe(okLine(11));
    const { received, invalid } = await askMetrics(other);
    expect({ received, invalid }).toEqual({ received: before.received + 1, invalid: before.invalid });
    other.close();
  });

  test('balances are exact at both ends of their range, and an event past them is not applied', async () => {
    const before = JSON.parse(await exchange(server.port, '{"type":"metrics"}')) as { dropped: number };
    const script: [string, string][] = [
      [buyLine('rich', MAX), ACCEPTED],
      [balanceRequest('rich'), okLine(MAX)],
      [waiting(buyLine('rich', 1)), OVERFLOW],
      [buyLine('rich', MAX), ACCEPTED],
      [balanceRequest('rich'), okLine(MAX)],
      [waiting(sellLine('rich', 1)), okLine(MAX - 1)],
      [waiting(sellLine('rich', MAX)), okLine(-1)],
      [sellLine('rich', MAX - 1), ACCEPTED],
      [balanceRequest('rich'), okLine(-MAX)],
      [waiting(sellLine('rich', MAX)), OVERFLOW],
      [sellLine('rich', 1), ACCEPTED],
      [balanceRequest('rich'), okLine(-MAX)],
      [waiting(buyLine('rich', MAX)), okLine(0)],
    ];
    const answers = await exchange(server.port, script.map(([request]) => request).join(''));
    expect(answers.split('\n').slice(0, -1)).toEqual(script.map(([, reply]) => reply));
    // Two were told so, two were accepted and could not be applied: all four count as dropped.
    const after = JSON.parse(await exchange(server.port, '{"type":"metrics"}')) as { dropped: number };
    expect(after.dropped - before.dropped).toBe(4);
  });
});

describe('when there is no room', () => {
  test('a balance of a full ring is answered when the ring moves again, and not lost', async () => {
    const server = await startServer(['--workers', '1', '--ring', '2', '--debug-requests']);
    const client = await Client.open(server.port);
    const other = await Client.open(server.port);
    await other.ask(FREEZE);
    client.send(buyLine('full', 1) + buyLine('full', 2) + buyLine('full', 4));
    expect(await client.lines(3)).toEqual([ACCEPTED, ACCEPTED, BUSY]);
    client.send(balanceRequest('full') + balanceRequest('full') + balanceRequest('full') + HEALTH);
    client.socket.end();
    // The last line of the other is served behind those of the client, which has no reply yet.
    const readSoFar = client.socket.bytesRead;
    expect(await other.ask(balanceRequest('nobody'))).toBe(okLine(0));
    expect(client.socket.bytesRead).toBe(readSoFar);
    await other.ask(THAW);
    expect(await client.lines(4)).toEqual([okLine(3), okLine(3), okLine(3), HEALTHY]);
    await until(() => client.isEnded, 'the server to end the connection');
    other.close();
    expect((await server.stop()).exitCode).toBe(0);
  });

  test('with a ring of two slots pipelined scripts still equal the model, save for what was refused', async () => {
    const server = await startServer(['--workers', '1', '--ring', '2', '--work-us', '2']);
    const seed = pickSeed();
    const random = randomFrom(seed);
    const scripts = Array.from(
      { length: 4 },
      (_, index) => writeScript(random, `tight-${index}`, 5, 5_000).requests,
    );
    const answers = await Promise.all(scripts.map(requests => exchange(server.port, requests.join(''))));
    scripts.forEach((requests, index) => {
      const lines = answers[index]!.split('\n').slice(0, -1);
      expect(lines.length).toBe(requests.length);
      expect(lines, `TALLY_TEST_SEED=${seed}, connection ${index}`).toEqual(expectedWith(requests, lines));
    });
    expect((await server.stop()).ledger).toMatchObject({ lost: 0 });
  });

  test('the first event of a user is refused or applied, also when the ring gets room at that moment', async () => {
    const server = await startServer(['--workers', '1', '--ring', '2', '--work-us', '1']);
    const users = Array.from({ length: 20_000 }, (_, user) => `new-${user}`);
    const first = (await exchange(server.port, users.map(user => buyLine(user, 1)).join(''))).split('\n');
    const accepted = users.filter((_, at) => first[at] === ACCEPTED);
    const balances = (await exchange(server.port, users.map(balanceRequest).join(''))).split('\n');
    const rich = users.filter((_, at) => balances[at] === okLine(1));
    expect(accepted.length).toBeGreaterThan(0);
    expect(rich).toEqual(accepted);
    expect((await server.stop()).ledger).toMatchObject({ processed: accepted.length, lost: 0 });
  });

  test('with room for two users the third is told so, known ones go on, and refused ones do not exist', async () => {
    const server = await startServer(['--users', '2']);
    const script: [string, string][] = [
      [buyLine('one', 1), ACCEPTED],
      [waiting(buyLine('two', 2)), okLine(2)],
      [buyLine('three', 4), TOO_MANY],
      [waiting(buyLine('three', 4)), TOO_MANY],
      [balanceRequest('three'), okLine(0)],
      [waiting(sellLine('one', 3)), okLine(-2)],
    ];
    const answers = await exchange(server.port, script.map(([request]) => request).join(''));
    expect(answers.split('\n').slice(0, -1)).toEqual(script.map(([, reply]) => reply));
    expect((await server.stop()).ledger).toMatchObject({ received: 5, processed: 3, dropped: 2, lost: 0 });
  });
});

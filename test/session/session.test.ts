/** A connection at the one moment that no client can hit on purpose: while replies wait for the end of the turn. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readSettings } from '../../src/config/read.ts';
import { Engine } from '../../src/engine/engine.ts';
import { Log } from '../../src/log.ts';
import { CloseQueue } from '../../src/net/close-queue.ts';
import { PlainTransport, readInto } from '../../src/net/plain-transport.ts';
import { drawHashSeed } from '../../src/protocol/hash.ts';
import type { Session } from '../../src/session/session.ts';
import { createReadBuffer, Sessions } from '../../src/session/sessions.ts';
import { Client } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { ACCEPTED, balanceRequest, buyLine, HEALTH, HEALTHY, okLine } from '../support/asking.ts';

/** More than a small chunk, and less than a first read. */
const LINES = 120;
const waiting = (line: string) => line.replace('}', ',"wait":true}');
const accepted = (lines: number) => Array<string>(lines).fill(ACCEPTED);

const settings = readSettings(['--workers', '2', '--log-level', 'error'], {});
const readBuffer = createReadBuffer(settings);
const log = new Log(settings, process.stdout);
const engine = new Engine(readBuffer.view, settings, { onDeath: () => {}, onReplaced: () => {} });
const seed = drawHashSeed();
beforeAll(() => engine.workers.start());
afterAll(() => engine.stop());

/** Another one in every test. */
let user = 'user-0';
const large = () => buyLine(user, 1).repeat(LINES);

let sessions: Sessions;
let server: Server;
let port: number;
/** The server's end of a connection; `receive` is what the socket calls when it has read. */
interface End {
  socket: Socket;
  session: Session;
  receive: (bytes: number) => void;
}
/** In the order in which they came. */
let ends: End[];
/** What happens the next time that replies are kept, before anything else can. */
let onKept: ((end: End) => void | Promise<void>) | undefined;

beforeEach(async () => {
  user = `user-${Number(user.slice(5)) + 1}`;
  sessions = new Sessions(settings, engine, readBuffer, seed, log);
  ends = [];
  onKept = undefined;
  const sendLater = sessions.scheduler.sendLater.bind(sessions.scheduler);
  sessions.scheduler.sendLater = sender => {
    sendLater(sender);
    const then = onKept;
    onKept = undefined;
    // Once the visit is over, and before the end of the turn.
    if (then !== undefined) process.nextTick(() => void then(ends[0]!));
  };
  const streams = { allowHalfOpen: true, noDelay: true, pauseOnConnect: true, highWaterMark: 16_384 };
  server = createServer(streams, accepted => {
    const end: Partial<End> = {};
    const read: typeof readInto = (accepted, receiver) => {
      end.session = receiver as Session;
      end.receive = bytes => receiver.received(bytes);
      end.socket = readInto(accepted, receiver);
      return end.socket;
    };
    sessions.accept(new PlainTransport(accepted, new CloseQueue(), read));
    ends.push(end as End);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as { port: number }).port;
});

afterEach(() => {
  for (const { socket } of ends) socket.destroy();
  server.close();
});

/** Sends a large chunk, and does `then` when its replies are kept; resolves when it was done. */
async function whenKept(client: Client, then: NonNullable<typeof onKept>): Promise<void> {
  const done = new Promise<void>(resolve => {
    onKept = end => resolve(then(end));
  });
  client.send(large());
  await done;
}

/** As if these came in the same turn, null being the end; or as soon as the server reads on, if it does not. */
function bring(end: End, ...coming: (string | null)[]): void {
  while (coming.length > 0 && !end.socket.isPaused()) {
    const next = coming.shift()!;
    if (next === null) {
      end.socket.push(null);
      end.socket.read(0);
    } else {
      end.receive(readBuffer.chunk.write(next));
    }
  }
  if (coming.length > 0) setImmediate(() => bring(end, ...coming));
}

describe('while replies are kept', () => {
  // Again, if the machine was so busy that the chunk came when the turn had no time left: then it is visited in the
  // next one, at whose end replies leave before anybody can look.
  test('nothing of them has left, and they leave when the turn ends', { retry: 5 }, async () => {
    const client = await Client.open(port);
    let written = -1;
    await whenKept(client, ({ socket }) => {
      written = socket.bytesWritten;
    });
    expect(written).toBe(0);
    expect(await client.lines(LINES)).toEqual(accepted(LINES));
    client.close();
  });

  test('small chunks that follow are answered behind them', async () => {
    const client = await Client.open(port);
    await whenKept(client, end => {
      bring(end, HEALTH, `${buyLine(user, 5)}${HEALTH.slice(0, 5)}`, HEALTH.slice(5));
    });
    expect(await client.lines(LINES + 3)).toEqual([...accepted(LINES), HEALTHY, ACCEPTED, HEALTHY]);
    client.close();
  });

  test('requests that wait for a worker are answered behind them, and what follows those behind that', async () => {
    const client = await Client.open(port);
    await whenKept(client, end => {
      const asks = balanceRequest(user) + HEALTH;
      bring(end, waiting(buyLine(user, 5)), asks, large(), asks);
    });
    const answers = await client.lines(2 * LINES + 5);
    expect(answers).toEqual([
      ...accepted(LINES),
      okLine(LINES + 5),
      okLine(LINES + 5),
      HEALTHY,
      ...accepted(LINES),
      okLine(2 * LINES + 5),
      HEALTHY,
    ]);
    client.close();
  });

  test('a client that only shuts down its sending side gets them all, and the end', async () => {
    const client = await Client.open(port);
    await whenKept(client, end => bring(end, null));
    expect(await client.lines(LINES)).toEqual(accepted(LINES));
    await until(() => client.isEnded, 'the end');
    client.close();
  });

  test('a client that asks more and shuts down its sending side gets all, and the end', async () => {
    const client = await Client.open(port);
    await whenKept(client, end => bring(end, waiting(buyLine(user, 1)), HEALTH.trimEnd(), null));
    expect(await client.lines(LINES + 2)).toEqual([...accepted(LINES), okLine(LINES + 1), HEALTHY]);
    await until(() => client.isEnded, 'the end');
    client.close();
  });

  test('a client that resets hurts nobody, and what it sent is applied', async () => {
    const client = await Client.open(port);
    const other = await Client.open(port);
    expect(await other.ask(HEALTH)).toBe(HEALTHY);
    await whenKept(client, ({ socket }) => {
      socket.destroy(new Error('read ECONNRESET'));
    });
    other.send(large() + balanceRequest(user));
    expect(await other.lines(LINES + 1)).toEqual([...accepted(LINES), okLine(2 * LINES)]);
    await until(() => sessions.clients.connections === 1, 'the connection to be gone');
    client.close();
    other.close();
  });

  test('a client that is closed for a limit hurts nobody', async () => {
    const client = await Client.open(port);
    const other = await Client.open(port);
    await whenKept(client, ({ session }) => session.close('closed_idle'));
    await nextTurn();
    expect(await other.ask(balanceRequest(user))).toBe(okLine(LINES));
    expect(sessions.clients).toMatchObject({ closed_idle: 1, connections: 1 });
    client.close();
    other.close();
  });

  test('the end of the server sends them all', async () => {
    const client = await Client.open(port);
    await whenKept(client, ({ session }) => {
      sessions.startDraining();
      sessions.stopServing();
      session.end();
    });
    expect(await client.finish()).toBe(`${ACCEPTED}\n`.repeat(LINES));
  });

  test('the end of the server sends also what waited for a worker behind them', async () => {
    const client = await Client.open(port);
    await whenKept(client, async end => {
      bring(end, waiting(buyLine(user, 5)) + HEALTH);
      sessions.startDraining();
      // As the shutdown does it.
      while (!engine.areRingsEmpty) await nextTurn();
      sessions.stopServing();
      engine.collect();
      await Promise.resolve();
      sessions.end();
    });
    expect(await client.finish()).toBe([...accepted(LINES), okLine(LINES + 5), HEALTHY, ''].join('\n'));
  });
});

test('replies beyond --unsent-bytes-max are not kept: the rest is served when they have left', async () => {
  const client = await Client.open(port);
  const lines = 3 * Math.ceil(settings.unsentBytesMax / (HEALTHY.length + 1));
  client.send(HEALTH.repeat(lines));
  expect(await client.lines(lines)).toEqual(Array<string>(lines).fill(HEALTHY));
  expect(await client.ask(HEALTH)).toBe(HEALTHY);
  client.close();
});

/**
 * What a million users cost, measured on the real server from outside. Needs /proc.
 */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import { residentMiB } from '../support/abuse.ts';
import { ACCEPTED, BUSY } from '../support/asking.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const USERS = 1_000_000;
const BATCH_USERS = 500;
/** Events under way at most: less than a ring holds, and replies that a client reads in time. */
const IN_FLIGHT_MAX = 20_000;
const GROWTH_MIB_MAX = 128;

const nameOf = (user: number) => `user-${user}`;
const lineOf = (user: number) => `{"user":"${nameOf(user)}","action":"buy","amount":${user + 1}}\n`;

/** Sends one event for each user until all are accepted; resolves to how many had to be sent again. */
async function introduce(socket: Socket, users: number): Promise<number> {
  /** Users whose replies are awaited, in the order of their lines; those before `answered` have theirs. */
  const asked: number[] = [];
  let answered = 0;
  const again: number[] = [];
  let next = 0;
  let accepted = 0;
  let resent = 0;
  let partial = '';

  const send = () => {
    while (asked.length - answered < IN_FLIGHT_MAX && !socket.writableNeedDrain) {
      const batch = again.splice(0, BATCH_USERS);
      while (batch.length < BATCH_USERS && next < users) batch.push(next++);
      if (batch.length === 0) return;
      asked.push(...batch);
      socket.write(batch.map(lineOf).join(''));
    }
  };
  const answer = (line: string) => {
    const user = asked[answered++]!;
    if (line === ACCEPTED) accepted += 1;
    else if (line === BUSY) again.push(user);
    else throw new Error(`user ${user}: ${line}`);
    if (line === BUSY) resent += 1;
  };
  await new Promise<void>((resolve, reject) => {
    socket.on('data', (text: unknown) => {
      const lines = (partial + (text as string)).split('\n');
      partial = lines.pop()!;
      try {
        for (const line of lines) answer(line);
      } catch (error) {
        reject(error);
      }
      if (accepted === users) resolve();
      else send();
    });
    socket.on('drain', send);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`hung up after ${accepted} of ${users}`)));
    send();
  });
  expect(asked.length).toBe(users + resent);
  expect(answered).toBe(asked.length);
  return resent;
}

async function measure(server: RunningServer): Promise<void> {
  const beforeMiB = residentMiB(server.pid)!;
  const socket = connect({ port: server.port, host: '127.0.0.1', noDelay: true }).setEncoding('utf8');
  await once(socket, 'connect');
  const resent = await introduce(socket, USERS);
  socket.removeAllListeners('close').destroy();

  const client = await Client.open(server.port);
  // Each balance is asked for behind every event accepted before, so all were applied when it comes.
  for (const user of [0, 1, 77_777, USERS / 2, USERS - 1])
    expect(await client.ask(`{"type":"balance","user":"${nameOf(user)}"}\n`)).toBe(
      `{"status":"ok","balance":${user + 1}}`,
    );
  const detail = JSON.parse(await client.ask('{"type":"metrics","detail":true}\n')) as Record<
    string,
    unknown
  >;
  expect(detail).toMatchObject({ users: USERS, accepted: USERS, received: USERS + resent });
  client.close();
  const growthMiB = residentMiB(server.pid)! - beforeMiB;
  expect(growthMiB, `from ${Math.round(beforeMiB)} MiB, ${resent} sent again`).toBeLessThan(GROWTH_MIB_MAX);
}

test.skipIf(!existsSync('/proc/self/status'))(
  'a million users fit in 128 MiB over what the server has when it starts (skipped where there is no /proc)',
  async () => {
    const server = await startServer(['--users', '1048576']);
    try {
      await measure(server);
    } finally {
      const { exitCode, ledger } = await server.stop();
      expect({ exitCode, lost: ledger?.lost, processed: ledger?.processed }).toEqual({
        exitCode: 0,
        lost: 0,
        processed: USERS,
      });
    }
  },
);

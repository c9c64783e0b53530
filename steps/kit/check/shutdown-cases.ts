/** From step 10 on: a signal ends the server, after all accepted events are applied. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../../../src/tools/harness/client.ts';
import type { Server } from '../../../src/tools/harness/server.ts';
import { ACCEPTED, balance, type Case, event, HEALTH, METRICS, OK, ok, rejected } from './case.ts';
import { Failed } from './failure.ts';
import type { Talk } from './talk.ts';
import { readable } from './transcript.ts';

const EVENTS = 40;
const DRAINING = '{"status":"draining"}';
const NOTICE_MS_MAX = 500;
/** All the events take less than a second. */
const END_MS_MAX = 10_000;

export const STOPPING: readonly Case[] = [
  {
    name: 'SIGTERM with events in the queue: they are applied, new ones are refused, and the exit code is 0',
    hint: 'Take the signal: close the listener, refuse what is new, empty the queues, answer, end the connections, exit.',
    settings: { workers: 1, queue: 64, workUs: 20_000 },
    run: async ({ server, open, user }) => {
      const [talk, other] = [await open(), await open()];
      await other.send(`${HEALTH}\n`);
      await other.reply(OK);
      const events = Array.from({ length: EVENTS }, () => `${event(user, 'buy', 1)}\n`).join('');
      await talk.send(`${events}${balance(user)}\n`);
      for (let replies = 0; replies < EVENTS; replies += 1) await talk.reply(ACCEPTED);
      server.signal('SIGTERM');
      await seesDraining(other);
      await refusesConnections(server);
      await other.send(`${event(user, 'buy', 1)}\n`);
      await other.reply(rejected('shutting_down'));
      await other.send(`${METRICS}\n`);
      await other.beginning(`{"received":${EVENTS + 1},"processed":`);
      await talk.reply(ok(EVENTS), END_MS_MAX);
      for (const client of [talk, other]) {
        await client.ends(END_MS_MAX);
        client.close();
      }
      await endsWell(server, 'SIGTERM');
    },
  },
  {
    name: 'Ctrl+C (SIGINT) with nothing to do: it ends at once, and the exit code is 0',
    hint: 'SIGINT and SIGTERM mean the same. Without work and without clients there is nothing to wait for.',
    settings: {},
    run: async ({ server, open }) => {
      const talk = await open();
      await talk.send(`${HEALTH}\n`);
      await talk.reply(OK);
      talk.close();
      server.signal('SIGINT');
      await endsWell(server, 'SIGINT');
    },
  },
];

/** A signal takes a moment to be noticed. */
async function seesDraining(talk: Talk): Promise<void> {
  const endMs = performance.now() + NOTICE_MS_MAX;
  const isLate = () => performance.now() > endMs;
  for (;;) {
    await talk.send(`${HEALTH}\n`);
    if ((await talk.oneOf(isLate() ? [DRAINING] : [DRAINING, OK])) === DRAINING) return;
    await sleep(10);
  }
}

/** A new connection is refused, or ended before any reply. */
async function refusesConnections({ port, host }: Server): Promise<void> {
  let client: Client;
  try {
    client = await Client.open(port, host);
  } catch {
    return;
  }
  try {
    const reply = await client.ask(`${HEALTH}\n`, 1_000);
    throw new Failed({
      problem: 'a new client was served while the server shut down',
      sent: [`${HEALTH}\n`],
      expectedWords: 'no connection',
      receivedWords: readable(reply),
    });
  } catch (error) {
    if (error instanceof Failed) throw error;
  } finally {
    client.close();
  }
}

async function endsWell(server: Server, signal: string): Promise<void> {
  const late = new AbortController();
  const ended = await Promise.race([
    server.ended,
    sleep(END_MS_MAX, undefined, { signal: late.signal }).catch(() => undefined),
  ]);
  late.abort();
  if (ended?.exitCode === 0) return;
  const receivedWords =
    ended === undefined
      ? `still running ${END_MS_MAX / 1_000} s after ${signal}, though every client has gone`
      : `an end with ${ended.exitCode === null ? `signal ${ended.signal}` : `exit code ${ended.exitCode}`}`;
  throw new Failed({
    problem: 'the server did not end as it should',
    sent: [],
    expectedWords: `an end with exit code 0 after ${signal}`,
    receivedWords,
  });
}

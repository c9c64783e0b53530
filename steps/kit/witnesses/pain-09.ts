/**
 * Pain 9, Ctrl+C loses accepted events: is everything applied that was accepted before the signal?
 *
 * The client asks for the balance after its events, then the signal is sent. A server that applies all accepted
 * events can answer; one that does not can't.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { count } from '../../../src/cli/terminal/numbers.ts';
import { Client } from '../../../src/tools/harness/client.ts';
import { type Witness, withServer } from './witness.ts';

const EVENTS = 300;
const WORK_US = 5_000;
const LIMIT_MS = 20_000;

export const lostOnCtrlC: Witness = {
  pain: 9,
  mustStart: true,
  run: (source, say) =>
    withServer(source, { workUs: WORK_US, queue: 1024 }, async server => {
      const client = await Client.open(server.port, server.host);
      // Threads take a while to start; when this one answers, it runs.
      await client.ask('{"user":"early","action":"buy","amount":1,"wait":true}\n');
      client.send('{"user":"patient","action":"buy","amount":1}\n'.repeat(EVENTS));
      const replies = await client.lines(EVENTS);
      const accepted = replies.filter(reply => reply === '{"status":"accepted"}').length;
      // A moment for the queue to be worked on, so that there is something processed and something not.
      await sleep(100);
      const metrics = await client.ask('{"type":"metrics"}\n');
      say(`${count(accepted)} events are accepted; metrics: ${metrics}`);
      // The early one is among them.
      const processed = Math.max(0, Number(/"processed":(\d+)/.exec(metrics)?.[1] ?? 0) - 1);
      client.send('{"type":"balance","user":"patient"}\n');
      server.signal('SIGINT');
      say('Ctrl+C');
      const balance = await lastBalance(client);
      client.close();
      const { exitCode, signal } = await server.ended;
      say(`the server has ended, with ${signal ?? `exit code ${exitCode}`}`);
      const isPresent = balance !== accepted;
      return {
        isPresent,
        evidence: {
          accepted,
          processedBefore: processed,
          balanceAfter: balance ?? 'no answer',
          lost: isPresent ? accepted - (balance ?? processed) : 0,
          exit: signal ?? exitCode ?? 'unknown',
        },
        sentence: isPresent
          ? `${count(accepted)} events were accepted, and after Ctrl+C about ${count(accepted - (balance ?? processed))} of them are gone.`
          : `${count(accepted)} events were accepted before Ctrl+C, and all of them were applied after it.`,
      };
    }),
};

/** The last balance that the server sends before it closes the connection, if any. */
async function lastBalance(client: Client): Promise<number | undefined> {
  try {
    const reply = await client.line(LIMIT_MS);
    return Number(/"balance":(\d+)/.exec(reply)?.[1]);
  } catch {
    return undefined;
  }
}

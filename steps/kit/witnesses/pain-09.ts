/**
 * Pain 9, Ctrl+C loses accepted events: is everything applied that was accepted before the signal?
 *
 * The client asks for the balance after its events, then the signal is sent. A server that applies all accepted
 * events can answer; one that does not can't.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { count } from '../../../src/cli/terminal/numbers.ts';
import type { Client } from '../../../src/tools/harness/client.ts';
import { within } from '../../../src/tools/harness/waiting.ts';
import { balanceIn, isTaken, shown } from './scene.ts';
import { Undecided, type Witness, withServer } from './witness.ts';

const EVENTS = 300;
const WORK_US = 5_000;
const LIMIT_MS = 20_000;
/** The time that container engines wait before they kill. */
const END_MS_MAX = 10_000;

export const lostOnCtrlC: Witness = {
  pain: 9,
  mustStart: true,
  run: (source, say) =>
    withServer(source, { workUs: WORK_US, queue: 1024 }, async scene => {
      const { server } = scene;
      const client = await scene.open();
      // Threads take a while to start; when this one is answered, they run.
      await client.ask('{"user":"early","action":"buy","amount":1,"wait":true}\n');
      client.send('{"user":"patient","action":"buy","amount":1}\n'.repeat(EVENTS));
      const replies = await client.lines(EVENTS);
      const accepted = replies.filter(isTaken).length;
      if (accepted === 0) throw new Undecided(`it accepts no event, and answers ${shown(replies[0]!)}`);
      say(`${count(accepted)} events are accepted, after a first one that had to be applied before them`);
      // A moment for the queue to be worked on, so that there is something processed and something not.
      await sleep(100);
      const metrics = await client.ask('{"type":"metrics"}\n');
      const counted = Number(/"processed":(\d+)/.exec(metrics)?.[1] ?? 0);
      const processed = Math.max(0, counted - 1);
      say(`the metrics of all ${count(accepted + 1)}: ${shown(metrics)}`);
      client.send('{"type":"balance","user":"patient"}\n');
      server.signal('SIGINT');
      say(`Ctrl+C, when ${count(processed)} of the ${count(accepted)} are applied`);
      const balance = await lastBalance(client);
      client.close();
      const ended = await within(END_MS_MAX, server.ended);
      const exit = ended === undefined ? 'none' : (ended.signal ?? ended.exitCode ?? 'unknown');
      if (ended === undefined) say(`${END_MS_MAX / 1_000} s later the server still runs`);
      else say(`the server has ended, with ${ended.signal ?? `exit code ${ended.exitCode}`}`);
      if (ended === undefined && balance === undefined)
        throw new Undecided('after Ctrl+C it neither gives the balance nor ends');
      if (balance !== undefined && balance > accepted)
        throw new Undecided(`it has applied ${count(balance)} events of ${count(accepted)}`);
      const isPresent = balance !== accepted;
      const lost = isPresent ? accepted - (balance ?? processed) : 0;
      return {
        isPresent,
        evidence: {
          accepted,
          processedBefore: processed,
          balanceAfter: balance ?? 'no answer',
          lost,
          exit,
        },
        sentence: isPresent
          ? `${count(accepted)} events were accepted, and after Ctrl+C about ${count(lost)} of them are gone.`
          : `${count(accepted)} events were accepted before Ctrl+C, and all of them were applied after it${ended === undefined ? ', but it does not end' : ''}.`,
      };
    }),
};

/** The last balance that the server sends before it closes the connection, if any. */
async function lastBalance(client: Client): Promise<number | undefined> {
  try {
    return balanceIn(await client.line(LIMIT_MS));
  } catch {
    return undefined;
  }
}

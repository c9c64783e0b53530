/** Pain 5, capacity is one thread: are events refused at a load that one worker cannot bear, and four can? */
import { count } from '../../../src/cli/terminal/numbers.ts';
import { openLoop } from './open-loop.ts';
import { isTaken, shown } from './scene.ts';
import { Undecided, type Witness, withServer } from './witness.ts';

const WORK_US = 20_000;
const WORKERS = 4;
const QUEUE = 32;
/** Twice what one thread can do, which takes `WORK_US` for each event. */
const RATE_PER_S = 2 * (1_000_000 / WORK_US);
const SECONDS = 2.5;
const LIMIT_MS = 20_000;
/**
 * Many, with a user for each event, so that every worker gets its share, whether events are assigned by connection or
 * user.
 */
const CONNECTIONS = 64;

export const oneThread: Witness = {
  pain: 5,
  mustStart: true,
  run: (source, say) =>
    withServer(source, { workers: WORKERS, workUs: WORK_US, queue: QUEUE }, async scene => {
      const clients = await scene.openAll(CONNECTIONS);
      // Threads take a while to start; when some of the clients have an answer, all threads run.
      const some = clients.slice(0, CONNECTIONS / 4);
      await Promise.all(
        some.map((client, index) =>
          client.ask(`{"user":"warm-${index}","action":"buy","amount":1,"wait":true}\n`, LIMIT_MS),
        ),
      );
      const offered = RATE_PER_S * SECONDS;
      say(`an event costs ${WORK_US / 1_000} ms, so one thread can do ${RATE_PER_S / 2} a second`);
      say(`${RATE_PER_S} a second are sent, for ${SECONDS} s`);
      const replies = await openLoop(offered, RATE_PER_S, index =>
        clients[index % CONNECTIONS]!.ask(`{"user":"user-${index}","action":"buy","amount":1}\n`, LIMIT_MS),
      );
      const isBusy = (reply: string) => reply.includes('"server_busy"');
      const refused = replies.filter(isBusy).length;
      const other = replies.find(reply => !isBusy(reply) && !isTaken(reply));
      if (other !== undefined) throw new Undecided(`it answers an event with ${shown(other)}`);
      say(`${count(refused)} of ${count(offered)} were refused`);
      return {
        isPresent: refused > 0,
        evidence: { offered, refused, ratePerS: RATE_PER_S, workUs: WORK_US, workers: WORKERS },
        sentence:
          refused > 0
            ? `At twice what one thread can do, ${count(refused)} of ${count(offered)} events were refused.`
            : `At twice what one thread can do, none of ${count(offered)} events was refused.`,
      };
    }),
};

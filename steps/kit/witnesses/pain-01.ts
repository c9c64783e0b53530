/** Pain 1, one client at a time: does a second client wait until the first has left? */
import { count, ms } from '../../../src/cli/terminal/numbers.ts';
import { type Client, TooLate } from '../../../src/tools/harness/client.ts';
import { type Finding, type Witness, withServer } from './witness.ts';

const STAY_MS = 1_000;
const ROUND_TRIPS = 200;
/** Echo servers send it back, others answer it. */
const LINE = '{"type":"health"}\n';

export const oneAtATime: Witness = {
  pain: 1,
  mustStart: false,
  run: (source, say) =>
    withServer(source, {}, async (scene): Promise<Finding> => {
      const first = await scene.open();
      const roundTripUs = await medianRoundTripUs(first);
      say(`the first client asks ${ROUND_TRIPS} times, gets its reply after ${roundTripUs} µs, and stays`);
      const second = await scene.open();
      const startMs = performance.now();
      say('the second client connects, and asks once');
      try {
        await second.ask(LINE, STAY_MS);
      } catch (error) {
        if (!(error instanceof TooLate)) throw error;
        say(`${count(STAY_MS)} ms later there is no reply; the first client leaves`);
        first.close();
        await second.line();
      }
      const waitedMs = rounded(performance.now() - startMs);
      const waited = `${ms(waitedMs)} ms`;
      say(`the second client has its reply, after ${waited}`);
      return {
        isPresent: waitedMs >= STAY_MS,
        evidence: { secondWaitedMs: waitedMs, firstStayedMs: STAY_MS, roundTripUs },
        sentence:
          waitedMs >= STAY_MS
            ? `The second client waited ${waited} for one reply: for as long as the first one stayed.`
            : `The second client had its reply after ${waited}, while the first one stayed.`,
      };
    }),
};

async function medianRoundTripUs(client: Client): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < ROUND_TRIPS; round += 1) {
    const startMs = performance.now();
    await client.ask(LINE);
    times.push(performance.now() - startMs);
  }
  return Math.round(times.sort((a, b) => a - b)[ROUND_TRIPS / 2]! * 1_000);
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

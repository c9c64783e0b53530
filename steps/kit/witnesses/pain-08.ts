/** Pain 8, blind: does the server report what was received, processed and dropped? */
import { Client } from '../../../src/tools/harness/client.ts';
import { type Witness, withServer } from './witness.ts';

const EVENTS = 100;

export const blind: Witness = {
  pain: 8,
  mustStart: false,
  run: (source, say) =>
    withServer(source, {}, async ({ host, port }) => {
      const client = await Client.open(port, host);
      const before = countsOf(await client.ask('{"type":"metrics"}\n'));
      client.send('{"user":"counted","action":"buy","amount":1,"wait":true}\n'.repeat(EVENTS));
      await client.lines(EVENTS);
      say(`${EVENTS} events were applied`);
      const reply = await client.ask('{"type":"metrics"}\n');
      say(`asked for metrics, it says ${reply}`);
      client.close();
      const after = countsOf(reply);
      const received = after && before ? after.received - before.received : 0;
      const processed = after && before ? after.processed - before.processed : 0;
      const isPresent = received !== EVENTS || processed !== EVENTS;
      return {
        isPresent,
        evidence: { applied: EVENTS, received, processed, reply },
        sentence: isPresent
          ? `${EVENTS} events were applied, and asked about them the server says ${reply}`
          : `${EVENTS} events were applied, and the server has counted ${EVENTS}.`,
      };
    }),
};

function countsOf(reply: string): { received: number; processed: number } | undefined {
  const match = /^\{"received":(\d+),"processed":(\d+),"dropped":\d+[,}]/.exec(reply);
  return match ? { received: Number(match[1]), processed: Number(match[2]) } : undefined;
}

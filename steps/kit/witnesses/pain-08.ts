/** Pain 8, blind: does the server report what was received, processed and dropped? */
import { isTaken, shown } from './scene.ts';
import { Undecided, type Witness, withServer } from './witness.ts';

const EVENTS = 100;

export const blind: Witness = {
  pain: 8,
  mustStart: false,
  run: (source, say) =>
    withServer(source, {}, async scene => {
      const client = await scene.open();
      const before = countsOf(await client.ask('{"type":"metrics"}\n'));
      client.send('{"user":"counted","action":"buy","amount":1,"wait":true}\n'.repeat(EVENTS));
      const applied = await client.lines(EVENTS);
      const other = applied.find(line => !isTaken(line));
      if (other !== undefined) throw new Undecided(`it answers an event with ${shown(other)}`);
      say(`${EVENTS} events were applied`);
      const reply = await client.ask('{"type":"metrics"}\n');
      say(`asked for metrics, it says ${shown(reply)}`);
      const after = countsOf(reply);
      const received = after && before ? after.received - before.received : 0;
      const processed = after && before ? after.processed - before.processed : 0;
      const isPresent = received !== EVENTS || processed !== EVENTS;
      return {
        isPresent,
        evidence: { applied: EVENTS, received, processed, reply: shown(reply) },
        sentence: isPresent
          ? `${EVENTS} events were applied, and asked about them the server says ${shown(reply)}`
          : `${EVENTS} events were applied, and the server has counted ${EVENTS}.`,
      };
    }),
};

function countsOf(reply: string): { received: number; processed: number } | undefined {
  const match = /^\{"received":(\d+),"processed":(\d+),"dropped":\d+[,}]/.exec(reply);
  return match ? { received: Number(match[1]), processed: Number(match[2]) } : undefined;
}

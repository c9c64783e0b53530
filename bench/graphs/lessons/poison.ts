/** Lesson 19: payouts that are paid while the bank refuses one of them every time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../../../src/tools/harness/client.ts';
import type { Bank } from '../../../steps/19-poison/witness.ts';
import { type Side, subjectsOf } from '../../../steps/lesson-kit/lesson.ts';
import { lessonOf } from '../../../steps/lesson-kit/lessons.ts';
import { Place } from '../../../steps/lesson-kit/place.ts';
import { ofSubject } from '../../../steps/lesson-kit/sources.ts';
import { linear } from '../axis.ts';
import type { Point } from '../draw.ts';
import { lineGraph } from '../graph.ts';
import { endsAt, neverFalls, staysBelow } from '../shapes.ts';

const PAYOUTS = 100;
const BAD = 10;
const SECONDS = 3;
const LOOK_MS = 50;
const WRONG = 'back to the front';
const RIGHT = 'later, then put aside';

export const graph = lineGraph({
  name: 'poison',
  about: 'payouts that are paid behind one that always fails (lesson 19)',
  title: 'One bad job stops all others, where it goes back to the front',
  subtitle: [
    `${PAYOUTS} payouts in a queue. The bank needs 10 ms for each, and refuses the tenth every time.`,
    'How many it has paid, with one server.',
  ],
  shapes: {
    // Now and then one slips past, where the queue is late to take the bad one back.
    [WRONG]: [staysBelow(PAYOUTS / 2), neverFalls()],
    [RIGHT]: [endsAt(PAYOUTS - 1), neverFalls()],
  },
  at: { from: 0, to: SECONDS, step: 0.5 },
  measure: async say => ({ [WRONG]: await paid('wrong', say), [RIGHT]: await paid('right', say) }),
  x: values => linear('Since the first payout was accepted, s', values),
  y: values => linear('Payouts paid', values),
  describe: series => {
    const at = (name: string) => series[name]!.at(-1)!.y;
    return (
      `After ${SECONDS} s the server that gives the bad one back at once has paid ${at(WRONG)} of ${PAYOUTS}; ` +
      `the one that tries it again later ${at(RIGHT)}, which is all that can be paid.`
    );
  },
});

async function paid(side: Side, say: (line: string) => void): Promise<Point[]> {
  say(`lesson 19, ${side}, ${SECONDS} s`);
  const lesson = lessonOf(19)!;
  const place = await Place.open(lesson);
  const subject = subjectsOf(lesson).find(each => each.side === side)!;
  const server = await ofSubject(subject, place).start();
  const [client, bank] = [await Client.open(server.port), await Client.open(place.companion('bank').port)];
  try {
    await bank.ask('{"user":"bad","manner":"refuses"}\n');
    const startMs = performance.now();
    const elapsedS = () => Math.round((performance.now() - startMs) / 10) / 100;
    for (let index = 1; index <= PAYOUTS; index += 1) {
      const user = index === BAD ? 'bad' : `user-${index}`;
      client.send(`{"type":"payout","id":"${user}","user":"${user}","amount":30}\n`);
    }
    const points = [{ x: 0, y: 0 }];
    while (elapsedS() < SECONDS) {
      await sleep(LOOK_MS);
      const { accounts }: Bank = JSON.parse(await bank.ask('{"report":true}\n'));
      points.push({ x: elapsedS(), y: Object.values(accounts).filter(account => account.paid > 0).length });
    }
    return points;
  } finally {
    for (const each of [client, bank]) each.close();
    await server.stop();
    await place.close();
  }
}

/** Pain 3, a split packet is refused: does it matter how bytes are cut into packets? */
import { once } from 'node:events';
import { count } from '../../../src/cli/terminal/numbers.ts';
import type { Client } from '../../../src/tools/harness/client.ts';
import { within } from '../../../src/tools/harness/waiting.ts';
import { randomFrom } from '../../../src/tools/load/random.ts';
import { isTaken, shown } from './scene.ts';
import { Undecided, type Witness, withServer } from './witness.ts';

const EVENTS = 1_000;
const AT_A_TIME = 25;
/** Long enough for the server to read the first half before the second is sent. */
const BETWEEN_MS = 20;
const SEED = 3;

export const splitPacket: Witness = {
  pain: 3,
  mustStart: false,
  run: (source, say) =>
    withServer(source, {}, async scene => {
      const open = () => scene.open();
      const [whole = 'nothing'] = await repliesTo(open, [eventOf('whole')]);
      if (!isTaken(whole)) throw new Undecided(`it answers a good event in one packet with ${shown(whole)}`);
      const random = randomFrom(SEED);
      const lines = Array.from({ length: EVENTS }, (_, index) => eventOf(`split-${index}`));
      say(`${count(EVENTS)} events leave, each cut in two at a random place`);
      const refused = await inTurn(lines, async line => {
        const cut = 1 + Math.floor(random() * (line.length - 2));
        return isRefused(await repliesTo(open, [line.slice(0, cut), line.slice(cut)]), 1);
      });
      say(`${count(refused)} of them were refused`);
      const pairs = await inTurn(lines.slice(0, EVENTS / 10), async line =>
        isRefused(await repliesTo(open, [line + line]), 2),
      );
      say(`${EVENTS / 10} packets held two events each; ${count(pairs)} were not answered with two replies`);
      return {
        isPresent: refused > 0 || pairs > 0,
        evidence: { cutInTwo: EVENTS, refused, twoInOne: EVENTS / 10, notAnsweredTwice: pairs },
        sentence:
          refused > 0
            ? `Of ${count(EVENTS)} good events that came in two packets, ${count(refused)} were refused.`
            : `All ${count(EVENTS)} events that came in two packets were taken, and so were two in one.`,
      };
    }),
};

export function eventOf(user: string): string {
  return `{"user":"${user}","action":"buy","amount":1}\n`;
}

/** Each on its own connection, so that all its replies can be counted. */
export async function repliesTo(
  open: () => Promise<Client>,
  packets: string[],
  betweenMs = BETWEEN_MS,
): Promise<string[]> {
  const client = await open();
  for (const packet of packets.slice(0, -1)) {
    client.send(packet);
    await within(betweenMs, once(client.socket, 'data')).catch(() => {});
  }
  client.send(packets.at(-1)!);
  const replies = await client.finish();
  client.close();
  return replies.split('\n').slice(0, -1);
}

export function isRefused(replies: string[], wanted: number): boolean {
  return replies.length !== wanted || !replies.every(isTaken);
}

/** Counts the items for which `is` resolves to true, a few at a time. */
export async function inTurn<T>(items: T[], is: (item: T) => Promise<boolean>): Promise<number> {
  const waiting = items.values();
  let counted = 0;
  const one = async () => {
    for (const item of waiting) if (await is(item)) counted += 1;
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, one));
  return counted;
}

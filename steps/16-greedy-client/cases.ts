/** What this lesson adds to the contract: a limit. */
import { ACCEPTED, ask, balance, type Case, error, event, ok, rejected } from '../kit/check/case.ts';

const LIMIT = 3;
const LIMITED = rejected('rate_limited');
/** Nothing comes in while the case runs. */
const settings = { own: { limit: LIMIT, 'window-ms': 3_600_000 } };

export const CASES: readonly Case[] = [
  {
    name: `with a limit of ${LIMIT} the first event of a user is accepted, and no more than ${LIMIT} in all`,
    hint: 'The limit is in LIMIT or {limit}. Refused is {"status":"rejected","reason":"rate_limited"}, and is not applied.',
    settings,
    run: async ({ open, user }) => {
      const talk = await open();
      const acceptedOf = async (name: string) => {
        let accepted = 0;
        for (let sent = 0; sent <= LIMIT; sent += 1) {
          await talk.send(`${event(name, 'buy', 1)}\n`);
          // One that shares its limit with other instances may give less at once.
          const isSure = sent === 0;
          if ((await talk.oneOf(isSure ? [ACCEPTED] : [ACCEPTED, LIMITED])) === ACCEPTED) accepted += 1;
        }
        await talk.send(`${balance(name)}\n`);
        await talk.reply(ok(accepted));
        return accepted;
      };
      // A fixed window may end meanwhile. The next one does not.
      if ((await acceptedOf(user)) <= LIMIT || (await acceptedOf(`${user}-2`)) <= LIMIT) return;
      talk.fail(
        `more than ${LIMIT} events of a user are accepted`,
        `${LIMITED} at the last of ${LIMIT + 1}`,
        ACCEPTED,
      );
    },
  },
  {
    name: 'a line that is wrong uses up nothing of the limit, and each user has one',
    hint: 'Look at the limit when the event is known to be one, and count for each user.',
    settings,
    acts: user => [
      ...Array.from({ length: LIMIT }, () => ask(event(user, 'buy', 0), error('invalid_event'))).flat(),
      ...ask(event(user, 'buy', 1), ACCEPTED),
      ...ask(event(`${user}-2`, 'buy', 1), ACCEPTED),
      ...ask(event(`${user}-3`, 'buy', 1), ACCEPTED),
      ...ask(event(`${user}-4`, 'buy', 1), ACCEPTED),
    ],
  },
];

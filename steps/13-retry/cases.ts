/** What this lesson adds to the contract: an event with an id. */
import { ACCEPTED, ask, balance, type Case, error, ok, rejected } from '../kit/check/case.ts';

const buy = (user: string, amount: number, id: unknown, more = {}) =>
  JSON.stringify({ user, action: 'buy', amount, id, ...more });
const waiting = (user: string, amount: number, id: unknown) => buy(user, amount, id, { wait: true });

/** Two bytes each. */
const longest = 'é'.repeat(32);

export const CASES: readonly Case[] = [
  {
    name: 'an event with an id that is sent again gets its first reply, and is applied once',
    hint: 'Keep the reply under the user and the id, where every connection finds it.',
    acts: user => [
      ...ask(waiting(user, 5, 'a'), ok(5)),
      ...ask(waiting(user, 5, 'a'), ok(5), 1),
      ...ask(buy(user, 2, 'b'), ACCEPTED),
      ...ask(buy(user, 2, 'b'), ACCEPTED, 1),
      ...ask(balance(user), ok(7)),
    ],
  },
  {
    name: 'an id belongs to its user: others may have the same',
    hint: 'Look for the id together with the user. The id alone takes one user’s event for another’s.',
    acts: user => [
      ...ask(waiting(user, 5, 'a'), ok(5)),
      ...ask(waiting(`${user}-2`, 5, 'a'), ok(5)),
      ...ask(balance(`${user}-2`), ok(5)),
    ],
  },
  {
    name: 'the same id with another amount is not applied',
    hint: 'What was asked is kept with the reply, and if it differs, that is id_reused. The first server may give its first reply instead.',
    run: async ({ open, user }) => {
      const talk = await open();
      await talk.send(`${waiting(user, 5, 'a')}\n`);
      await talk.reply(ok(5));
      await talk.send(`${waiting(user, 3, 'a')}\n`);
      await talk.oneOf([rejected('id_reused'), ok(5)]);
      await talk.send(`${balance(user)}\n`);
      await talk.reply(ok(5));
    },
  },
  {
    name: 'an id is a string of 1 to 64 bytes, and stands once',
    hint: 'Bytes of UTF-8, after its escapes are decoded. Whatever else it is makes the event an invalid one.',
    acts: user => [
      ...['', `${longest}x`, 1, null, ['a']].flatMap(id => ask(buy(user, 1, id), error('invalid_event'))),
      ...ask(buy(user, 1, 'a').replace('}', ',"id":"a"}'), error('invalid_event')),
      ...ask(waiting(user, 5, longest), ok(5)),
    ],
  },
];

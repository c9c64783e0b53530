/** Lesson 15, transfer, as data. */
import { count } from '../../src/cli/terminal/numbers.ts';
import { EVENTS } from '../kit/predictions.ts';
import type { Lesson } from '../lesson-kit/lesson.ts';
import { CASES } from './cases.ts';
import { transferring } from './witness.ts';

export const transfer: Lesson = {
  number: 15,
  folder: '15-transfer',
  title: 'transfer',
  wrong: 'locks the sender, then the receiver; brings money to another bank, and knows it in memory only',
  right:
    'locks in one order; writes down what is on its way, and brings it until it has arrived or is given back',
  pain: 'transfers stand still, and money is gone',
  painLesson:
    'Two places have no transaction in common: write down what is on its way, and make each step idempotent.',
  covers: ['deadlock', 'lock order', 'saga', 'compensation', 'idempotent steps', 'outbox'],
  engines: ['postgres'],
  packages: ['pg'],
  companions: ['bank'],
  keepsData: false,
  flags: {},
  witness: transferring,
  question: {
    situation:
      '20 clients send 1 each to another bank, which is shut. Meanwhile their own bank is killed by kill -9, and started again; the other one opens. Then 20 send 1 each, and the reply of the other bank is lost on the way.',
    asks: 'Of these 40, how many are neither here nor there in the end, or in both?',
    unit: EVENTS,
    choices: [
      { text: 'none', below: 1 },
      { text: '1 to 19', below: 20 },
      { text: '20: one half of them', below: 21 },
      { text: 'more than 20', below: Number.POSITIVE_INFINITY },
    ],
    figure: 'wrongSums',
    whether: {
      asks: 'Six clients send to and fro between two accounts of the same bank. Is any of them refused, though there is enough money?',
      measured: ({ evidence }) => Number(evidence.refused) > 0,
    },
    because: {
      present:
        'what has left is known to one process alone, and ends with it. And where no reply comes, the bank cannot tell a lost request from a lost reply: sent again without an id, it is done twice.',
      absent:
        'what is on its way is in the database, written together with what it takes from the account. It is sent again until there is an answer, with an id by which the other bank knows it.',
    },
  },
  race: {
    ratePerS: undefined,
    connections: 32,
    pipeline: 1,
    users: 1_000,
    durationMs: 3_000,
    why: 'plain events cost the same in both: the right one only adds a lock to a transfer, and a row to what goes abroad.',
    text: ({ isPresent, evidence }) =>
      isPresent
        ? `refused ${count(Number(evidence.refused))} transfers, and had ${count(Number(evidence.wrongSums))} of ${count(Number(evidence.sent))} wrong`
        : `moved ${count(Number(evidence.moved))} to and fro, and lost nothing`,
    label: 'wrong sums',
    cell: ({ evidence }) => count(Number(evidence.wrongSums)),
  },
  cases: CASES,
};
